-- purpose: Subsets that DestinationRules define, with how many pods of the host carry the subset's labels: running
--          ones, any ever seen, pod templates of workloads (a workload scaled to zero still has a template), and
--          endpoints of ServiceEntries and WorkloadEntries. A subset without labels selects everything.
-- kind: table
-- reads: object_versions, cluster_settings, services, service_backends, pods, qualified_host
-- grain: one subset of one version of one DestinationRule
-- params: none
with rules as (
    select
        version.namespace,
        version.name,
        version.valid_from,
        version.valid_to,
        version.source,
        version.source_offset,
        version.object_json::json as object,
        qualified_host(version.object_json::json ->> '$.spec.host', version.namespace, cluster_settings.cluster_domain)
            as host
    from object_versions as version
    cross join cluster_settings
    where version.kind = 'DestinationRule' and version.api_group = 'networking.istio.io'
),

numbered as (
    select
        *,
        unnest(range(coalesce(json_array_length(object -> '$.spec.subsets'), 0)::bigint)) as number
    from rules
),

subsets as (
    select
        * exclude (object, number),
        'spec/subsets[' || number || ']' as path,
        object ->> ('$.spec.subsets[' || number || '].name') as subset,
        coalesce(
            try_cast(object -> ('$.spec.subsets[' || number || '].labels') as map (varchar, varchar)),
            map { }::map (varchar, varchar)
        ) as labels
    from numbered
),

template as (
        select
            namespace,
            try_cast(object_json::json -> '$.spec.template.metadata.labels' as map (varchar, varchar)) as labels
        from object_versions
        where valid_to is null and kind in ('Deployment', 'StatefulSet', 'DaemonSet', 'Rollout')
    ),

labelled as (
    select
        backend.host,
        'pod' as source_kind,
        pods.valid_to is null as is_current,
        pods.labels
    from service_backends as backend
    inner join pods on backend.namespace = pods.namespace and backend.pod = pods.pod
    union all
    select
        services.host,
        'template' as source_kind,
        true as is_current,
        template.labels
    from services
    inner join template on services.namespace = template.namespace
    where
        services.kind = 'Service'
        and cardinality(services.selector) > 0
        and len(
            list_filter(
                map_entries(services.selector), lambda wanted: template.labels[wanted.key] is distinct from wanted.value
            )
        ) = 0
    union all
    select
        host,
        'endpoint' as source_kind,
        true as is_current,
        try_cast(unnest(object -> '$.spec.endpoints[*].labels') as map (varchar, varchar)) as labels
    from services
    where kind = 'ServiceEntry'
    union all
    select
        services.host,
        'endpoint' as source_kind,
        true as is_current,
        try_cast(entry.object_json::json -> '$.spec.labels' as map (varchar, varchar)) as labels
    from services
    inner join object_versions as entry on services.namespace = entry.namespace
    where
        entry.kind = 'WorkloadEntry'
        and entry.valid_to is null
        and cardinality(services.selector) > 0
        and json_contains(entry.object_json::json -> '$.spec.labels', services.selector::json)
),

matches as (
    select
        subsets.namespace,
        subsets.name,
        subsets.valid_from,
        subsets.path,
        labelled.source_kind,
        labelled.is_current
    from subsets
    inner join labelled on subsets.host = labelled.host
    where
        len(
            list_filter(
                map_entries(subsets.labels), lambda wanted: labelled.labels[wanted.key] is distinct from wanted.value
            )
        ) = 0
),

counts as (
    select
        namespace,
        name,
        valid_from,
        path,
        count(*) filter (where source_kind = 'pod') as pods_ever,
        count(*) filter (where source_kind = 'pod' and is_current) as pods_now,
        count(*) filter (where source_kind = 'template') as templates,
        count(*) filter (where source_kind = 'endpoint') as endpoints
    from matches
    group by namespace, name, valid_from, path
)

select
    subsets.*,
    coalesce(counts.pods_ever, 0) as pods_ever,
    coalesce(counts.pods_now, 0) as pods_now,
    coalesce(counts.templates, 0) as templates,
    coalesce(counts.endpoints, 0) as endpoints,
    exists(
        select 1 from labelled
        where labelled.host = subsets.host
    ) as host_has_backends
from subsets
left join counts
    on
        subsets.namespace = counts.namespace
        and subsets.name = counts.name
        and subsets.valid_from = counts.valid_from
        and subsets.path = counts.path
