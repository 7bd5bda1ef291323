-- purpose: Which pods serve which host: by EndpointSlice where one names the pod, and by selector.
-- kind: table
-- reads: services, pods, object_versions, cluster_settings
-- grain: one host and pod
-- params: none
with slices as (
    select distinct
        namespace,
        labels['kubernetes.io/service-name'] as service,
        unnest(object_json::json -> '$.endpoints[*]') as endpoint
    from object_versions
    where kind = 'EndpointSlice' and labels['kubernetes.io/service-name'] is not null
)

select
    slices.service || '.' || slices.namespace || '.svc.' || cluster_settings.cluster_domain as host,
    pods.namespace,
    pods.pod,
    pods.workload
from slices
cross join cluster_settings
inner join pods on slices.namespace = pods.namespace and slices.endpoint ->> '$.targetRef.name' = pods.pod
union
select
    services.host,
    pods.namespace,
    pods.pod,
    pods.workload
from services
inner join pods
    on
        services.namespace = pods.namespace
        and cardinality(services.selector) > 0
        and len(
            list_filter(
                map_entries(services.selector), lambda wanted: pods.labels[wanted.key] is distinct from wanted.value
            )
        ) = 0
