-- purpose: Mesh-wide names that other views need: the cluster domain from the injector's values, else Kubernetes'
--          default `cluster.local`; the root namespace from the mesh configuration, else Istio's `istio-system`.
-- kind: table
-- reads: objects_now
-- grain: one row
-- params: none
select
    coalesce(
        max(
            case
                when name like 'istio-sidecar-injector%'
                    then json_extract_string(try_cast(object ->> '$.data.values' as json), '$.global.proxy.clusterDomain')
            end
        ),
        'cluster.local'
    ) as cluster_domain,
    coalesce(
        max(
            case
                when name = 'istio' or name like 'istio-%'
                    then nullif(regexp_extract(object ->> '$.data.mesh', '(?m)^rootNamespace:\s*"?([a-z0-9-]+)', 1), '')
            end
        ),
        'istio-system'
    ) as root_namespace
from objects_now
where kind = 'ConfigMap'
