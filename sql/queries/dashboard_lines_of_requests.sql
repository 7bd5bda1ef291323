-- purpose: All access-log lines of given request ids: the whole chain of calls, each hop's two sides.
-- kind: query
-- reads: log_lines
-- grain: one access-log line
-- params: request_ids VARCHAR[], row_limit BIGINT
select
    source,
    source_offset,
    reporter_namespace,
    reporter_pod,
    side,
    start_time,
    method,
    path,
    protocol,
    authority,
    response_code,
    response_flags,
    response_code_details,
    upstream_transport_failure_reason,
    connection_termination_details,
    duration_ms,
    bytes_received,
    bytes_sent,
    upstream_host,
    upstream_cluster,
    route_name,
    request_id,
    user_agent
from log_lines
where list_contains($request_ids::varchar[], request_id)
order by start_time asc, source asc, source_offset asc
limit $row_limit
