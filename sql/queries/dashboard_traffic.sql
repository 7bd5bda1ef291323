-- purpose: Calls, errors and latency over time, of everything or of one edge (`caller` with or without its
--          namespace; `unknown` for calls whose caller is not known).
-- kind: query
-- reads: calls
-- grain: one time bucket with calls
-- params: namespace VARCHAR, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, bucket_seconds BIGINT, caller VARCHAR, callee VARCHAR
select
    time_bucket(to_seconds($bucket_seconds), start_time) as bucket,
    count(*) as calls,
    count(*) filter (where is_error) as errors,
    avg(is_error::int) as error_rate,
    quantile_cont(duration_ms, 0.5) filter (where protocol <> 'tcp') as p50_ms,
    quantile_cont(duration_ms, 0.95) filter (where protocol <> 'tcp') as p95_ms,
    quantile_cont(duration_ms, 0.99) filter (where protocol <> 'tcp') as p99_ms
from calls
where
    start_time between $window_start and $window_end
    and ($namespace::varchar is null or caller_namespace = $namespace or callee_namespace = $namespace)
    and ($callee::varchar is null or callee = $callee)
    and (
        $caller::varchar is null
        or coalesce(caller, 'unknown') = $caller
        or caller_namespace || '/' || caller = $caller
    )
group by bucket
order by bucket asc
limit 5000
