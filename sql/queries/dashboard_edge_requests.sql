-- purpose: The newest calls of one edge, failed ones first, with the place of their log line.
-- kind: query
-- reads: calls
-- grain: one call
-- params: caller_namespace VARCHAR, caller VARCHAR, callee VARCHAR, protocol VARCHAR, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, row_limit BIGINT
select
    start_time,
    method,
    path,
    authority,
    response_code,
    response_flags,
    response_code_details,
    duration_ms,
    request_id,
    source,
    source_offset,
    is_error
from calls
where
    start_time between $window_start and $window_end
    and caller_namespace is not distinct from $caller_namespace
    and caller is not distinct from $caller
    and callee is not distinct from $callee
    and protocol = $protocol
order by is_error desc, start_time desc, source asc, source_offset asc
limit $row_limit
