-- purpose: The service graph that a table of calls shows over a period (null: open): calls, failures and exact latency
--          quantiles of each edge. The table has the columns of `calls` that are named here.
-- kind: macro
-- reads: none
-- grain: one caller, callee, port and protocol
-- params: none
create or replace temp macro edges_of(call_table, since, until) as table
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
from query_table(call_table)
where
    (since::timestamptz is null or start_time >= since::timestamptz)
    and (until::timestamptz is null or start_time < until::timestamptz)
group by all
