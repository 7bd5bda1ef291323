-- purpose: The service graph of a period as spans show it: sampled, HTTP only.
-- kind: query
-- reads: span_calls
-- grain: one caller, callee, port and protocol
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ
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
    quantile_cont(duration_ms, 0.5) as p50_ms,
    quantile_cont(duration_ms, 0.95) as p95_ms,
    quantile_cont(duration_ms, 0.99) as p99_ms,
    min(start_time) as first_seen,
    max(start_time) as last_seen
from span_calls
where
    ($since is null or start_time >= $since)
    and ($until is null or start_time < $until)
group by all
order by calls desc, caller asc, callee asc, port asc
