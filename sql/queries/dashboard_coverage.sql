-- purpose: Which pods with a proxy wrote access logs, and how much: a pod with a sidecar that logged nothing is a blind
--          spot of everything computed from logs. Lines of an unknown pod are a row of their own.
-- kind: query
-- reads: pods, log_sources, access_logs
-- grain: one pod with a proxy, or the lines of no known pod
-- params: namespace VARCHAR, row_limit BIGINT
with logged as (
    select
        log_source.namespace,
        log_source.pod,
        count(*) as lines,
        count(distinct line.source) as sources,
        min(line.start_time) as first_seen,
        max(line.start_time) as last_seen
    from access_logs as line
    inner join log_sources as log_source
        on
            line.source = log_source.source
            and line.reporter_namespace is not distinct from log_source.stated_namespace
            and line.reporter_pod is not distinct from log_source.stated_pod
    group by log_source.namespace, log_source.pod
)

select
    coalesce(pods.namespace, logged.namespace) as namespace,
    coalesce(pods.pod, logged.pod) as pod,
    pods.workload,
    case
        when pods.is_gateway then 'gateway'
        when pods.has_sidecar then 'sidecar'
        when pods.pod is not null then 'no proxy'
        else 'unknown'
    end as proxy,
    coalesce(logged.lines, 0) as lines,
    coalesce(logged.sources, 0) as sources,
    logged.first_seen,
    logged.last_seen,
    count(*) over () as pods
from pods
full outer join logged on pods.namespace = logged.namespace and pods.pod = logged.pod
where
    (pods.has_sidecar or pods.is_gateway or logged.lines > 0)
    and ($namespace::varchar is null or coalesce(pods.namespace, logged.namespace) = $namespace)
order by lines asc, namespace asc, pod asc
limit $row_limit
