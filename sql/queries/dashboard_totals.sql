-- purpose: Traffic of a window in one row. Latency is that of HTTP and gRPC: a TCP duration is a connection's life.
-- kind: query
-- reads: calls
-- grain: one row
-- params: namespace VARCHAR, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ
select
    count(*) as calls,
    count(*) filter (where is_error) as errors,
    quantile_cont(duration_ms, 0.5) filter (where protocol <> 'tcp') as p50_ms,
    quantile_cont(duration_ms, 0.95) filter (where protocol <> 'tcp') as p95_ms,
    quantile_cont(duration_ms, 0.99) filter (where protocol <> 'tcp') as p99_ms,
    count(distinct concat_ws('/', caller_namespace, caller)) filter (where caller is not null) as callers,
    count(distinct callee) as callees,
    count(*) filter (where caller is null) as calls_of_unknown_caller
from calls
where
    start_time between $window_start and $window_end
    and ($namespace::varchar is null or caller_namespace = $namespace or callee_namespace = $namespace)
