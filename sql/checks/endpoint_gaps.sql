-- purpose: When a Service had no ready endpoint although its EndpointSlices are known: all of them empty at once.
-- kind: table
-- reads: object_versions, cluster_settings
-- grain: one empty version of one EndpointSlice
-- params: none
with slices as (
    select
        version.namespace,
        version.name,
        version.labels['kubernetes.io/service-name'] as service,
        version.valid_from,
        coalesce(version.valid_to, timestamptz 'infinity') as valid_to,
        version.version_number > 1 as is_change,
        len(
            list_filter(
                coalesce((version.object_json::json -> '$.endpoints[*]'), []),
                -- An endpoint without the condition counts as ready (Kubernetes API: EndpointConditions).
                lambda endpoint: coalesce(endpoint ->> '$.conditions.ready', 'true') = 'true'
            )
        ) as ready
    from object_versions as version
    where version.kind = 'EndpointSlice' and version.labels['kubernetes.io/service-name'] is not null
)

select
    slices.service || '.' || slices.namespace || '.svc.' || cluster_settings.cluster_domain as host,
    slices.namespace,
    slices.service,
    slices.name as endpoint_slice,
    slices.valid_from as empty_from,
    slices.valid_to as empty_to,
    slices.is_change
from slices
cross join cluster_settings
where
    slices.ready = 0
    and not exists (
        select 1 from slices as other
        where
            other.namespace = slices.namespace
            and other.service = slices.service
            and other.ready > 0
            and other.valid_from < slices.valid_to
            and other.valid_to > slices.valid_from
    )
