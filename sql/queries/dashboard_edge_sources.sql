-- purpose: What logs, traces and metrics each say of an edge, over all that was ingested: null where a source does not
--          show the edge. Spans are sampled, so only their absence or a count above the logs' disagrees.
-- kind: query
-- reads: edges_from_logs, edges_from_traces, edges_from_metrics
-- grain: one caller, callee and protocol
-- params: namespace VARCHAR, row_limit BIGINT
with reported as (
    select
        'logs' as source,
        caller_namespace,
        caller,
        callee,
        callee_namespace,
        protocol,
        calls,
        errors
    from edges_from_logs
    union all
    select
        'traces' as source,
        caller_namespace,
        caller,
        callee,
        callee_namespace,
        protocol,
        calls,
        errors
    from edges_from_traces
    union all
    select
        'metrics' as source,
        caller_namespace,
        caller,
        callee,
        callee_namespace,
        protocol,
        calls,
        errors
    from edges_from_metrics
),

present as (
    select
        coalesce(bool_or(source = 'logs'), false) as has_logs,
        coalesce(bool_or(source = 'traces'), false) as has_traces,
        coalesce(bool_or(source = 'metrics'), false) as has_metrics
    from reported
),

combined as (
    select
        caller_namespace,
        caller,
        callee,
        protocol,
        sum(calls) filter (where source = 'logs')::bigint as calls_logs,
        sum(calls) filter (where source = 'traces')::bigint as calls_traces,
        sum(calls) filter (where source = 'metrics')::bigint as calls_metrics,
        sum(errors) filter (where source = 'logs')::bigint as errors_logs,
        sum(errors) filter (where source = 'traces')::bigint as errors_traces,
        sum(errors) filter (where source = 'metrics')::bigint as errors_metrics
    from reported
    where $namespace::varchar is null or caller_namespace = $namespace or callee_namespace = $namespace
    group by caller_namespace, caller, callee, protocol
)

select
    combined.*,
    present.has_logs::int + present.has_traces::int + present.has_metrics::int as sources,
    coalesce(
        (present.has_logs and calls_logs is null)
        or (present.has_traces and calls_traces is null and protocol <> 'tcp')
        or (present.has_metrics and calls_metrics is null)
        or calls_traces > calls_logs
        or calls_logs is distinct from coalesce(calls_metrics, calls_logs),
        false
    ) as disagrees
from combined
cross join present
order by disagrees desc, coalesce(calls_logs, calls_metrics, calls_traces) desc, caller asc, callee asc
limit $row_limit
