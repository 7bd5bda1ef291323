-- purpose: The mesh configuration that decides scopes, as JSON: Istio's objects, the mesh ConfigMaps and the namespaces.
-- kind: check
-- reads: objects_now
-- grain: one object of one cluster
-- params: kinds VARCHAR[]
select
    kind,
    namespace,
    name,
    api_group,
    cluster,
    created_at,
    map_entries(labels) as labels,
    map_entries(annotations) as annotations,
    object_json
from objects_now
where
    list_contains($kinds, kind)
    and (
        kind in ('Namespace')
        or (kind = 'ConfigMap' and (name = 'istio' or name like 'istio-%') and object ->> '$.data.mesh' is not null)
        or api_group in ('networking.istio.io', 'security.istio.io', 'telemetry.istio.io', 'networking.k8s.io', 'gateway.networking.k8s.io')
    )
order by kind, namespace, name, cluster
