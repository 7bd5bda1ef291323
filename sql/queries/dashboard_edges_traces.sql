-- purpose: The service graph as spans show it, in a window: sampled calls, no TCP.
-- kind: query
-- reads: span_calls
-- grain: one caller, callee, port and protocol
-- params: namespace VARCHAR, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, row_limit BIGINT
select
    caller_namespace,
    caller,
    caller_kind,
    callee,
    callee_namespace,
    callee_kind,
    port,
    protocol,
    count(*) as calls,
    count(*) filter (where is_error) as errors,
    avg(is_error::int) as error_rate,
    quantile_cont(duration_ms, 0.5) as p50_ms,
    quantile_cont(duration_ms, 0.95) as p95_ms,
    quantile_cont(duration_ms, 0.99) as p99_ms,
    min(start_time) as first_seen,
    max(start_time) as last_seen,
    count(*) over () as edges
from span_calls
where
    start_time between $window_start and $window_end
    and ($namespace::varchar is null or caller_namespace = $namespace or callee_namespace = $namespace)
group by caller_namespace, caller, caller_kind, callee, callee_namespace, callee_kind, port, protocol
order by calls desc, caller asc, callee asc
limit $row_limit
