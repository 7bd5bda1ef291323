-- purpose: Who wrote each access-log source. What the record or its path said at ingest comes first; otherwise the part
--          of the path (or of a file name up to its first dot) that is a Pod of the inventory. Two different pods
--          in one path, or one pod name in two namespaces with no namespace in the path: unknown, never guessed.
-- kind: table
-- reads: access_logs, edges_1m, pods
-- grain: one source and stated reporter
-- params: none
with sources as (
    select distinct
        source,
        reporter_namespace as stated_namespace,
        reporter_pod as stated_pod
    from access_logs
    union
    -- Rollups may outlive the lines they came from.
    select distinct
        source,
        reporter_namespace as stated_namespace,
        reporter_pod as stated_pod
    from edges_1m
),

parts as (
    select distinct
        source,
        unnest(string_split(source, '/')) as part
    from sources
    where stated_pod is null
),

candidates as (
    select distinct
        parts.source,
        pods.namespace,
        pods.pod,
        -- A path that names the namespace too settles which of two pods of one name is meant.
        list_contains(string_split(parts.source, '/'), pods.namespace) as namespace_named
    from parts
    inner join pods on pods.pod in (parts.part, split_part(parts.part, '.', 1))
),

preferred as (
    select
        source,
        any_value(namespace) as namespace,
        any_value(pod) as pod
    from candidates
    where
        namespace_named
        or source not in (
            select named.source
            from candidates as named
            where named.namespace_named
        )
    group by source
    having count(*) = 1
),

stated as (
    -- A stated pod without a namespace takes it from the inventory where only one pod has that name.
    select
        sources.source,
        sources.stated_namespace,
        sources.stated_pod,
        coalesce(
            sources.stated_namespace,
            case when count(distinct pods.namespace) = 1 then any_value(pods.namespace) end
        ) as namespace
    from sources
    left join pods on sources.stated_pod = pods.pod
    where sources.stated_pod is not null
    group by sources.source, sources.stated_namespace, sources.stated_pod
)

select
    row_number() over (
        order by sources.source asc, sources.stated_namespace asc, sources.stated_pod asc
    ) as source_number,
    sources.source,
    sources.stated_namespace,
    sources.stated_pod,
    coalesce(stated.namespace, preferred.namespace) as namespace,
    coalesce(sources.stated_pod, preferred.pod) as pod,
    pods.workload,
    pods.pod_ip,
    pods.pod_ips,
    case
        when pods.is_gateway then 'gateway'
        when pods.has_sidecar then 'sidecar'
        else 'unknown'
    end as kind
from sources
left join preferred on sources.source = preferred.source and sources.stated_pod is null
left join stated
    on
        sources.source = stated.source
        and sources.stated_pod = stated.stated_pod
        and sources.stated_namespace is not distinct from stated.stated_namespace
left join pods
    on
        coalesce(stated.namespace, preferred.namespace) = pods.namespace
        and coalesce(sources.stated_pod, preferred.pod) = pods.pod
