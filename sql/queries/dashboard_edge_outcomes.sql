-- purpose: How the calls of one edge ended: response code, flags and Envoy's details, the most frequent first.
-- kind: query
-- reads: calls
-- grain: one way to end
-- params: caller_namespace VARCHAR, caller VARCHAR, callee VARCHAR, protocol VARCHAR, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, row_limit BIGINT
select
    response_code,
    response_flags,
    response_code_details,
    is_error,
    count(*) as calls,
    quantile_cont(duration_ms, 0.95) as p95_ms
from calls
where
    start_time between $window_start and $window_end
    and caller_namespace is not distinct from $caller_namespace
    and caller is not distinct from $caller
    and callee is not distinct from $callee
    and protocol = $protocol
group by response_code, response_flags, response_code_details, is_error
order by calls desc, response_code asc, response_flags asc, response_code_details asc
limit $row_limit
