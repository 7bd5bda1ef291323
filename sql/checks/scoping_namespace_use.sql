-- purpose: What each namespace of each cluster holds that the mesh may need: pods with proxies, and objects that configure it.
-- kind: check
-- reads: objects_now, pods
-- grain: one cluster and namespace
-- params: none
with held as (
    select
        coalesce(cluster, '') as cluster,
        namespace,
        kind as what
    from objects_now
    where
        namespace is not null
        and (
            api_group like '%.istio.io'
            or api_group = 'gateway.networking.k8s.io'
            or (kind = 'Ingress' and api_group = 'networking.k8s.io')
        )
    union
    select
        coalesce(cluster, '') as cluster,
        namespace,
        case when is_gateway then 'gateway' when has_sidecar then 'sidecar' else 'ambient' end as what
    from pods
    where
        valid_to is null
        and (
            is_gateway or has_sidecar
            or coalesce(
                annotations['ambient.istio.io/redirection'] = 'enabled'
                or labels['istio.io/dataplane-mode'] = 'ambient',
                false
            )
        )
)

select
    cluster,
    namespace,
    list(distinct what order by what) as uses
from held
group by cluster, namespace
order by cluster, namespace
