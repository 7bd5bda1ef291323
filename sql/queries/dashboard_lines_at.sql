-- purpose: The access-log lines at given places, as they were read.
-- kind: query
-- reads: log_lines
-- grain: one access-log line
-- params: sources VARCHAR[], offsets BIGINT[], row_limit BIGINT
with places as (
    select
        unnest($sources::varchar[]) as source,
        unnest($offsets::bigint[]) as source_offset
)

select
    line.source,
    line.source_offset,
    line.reporter_namespace,
    line.reporter_pod,
    line.side,
    line.start_time,
    line.method,
    line.path,
    line.protocol,
    line.authority,
    line.response_code,
    line.response_flags,
    line.response_code_details,
    line.upstream_transport_failure_reason,
    line.connection_termination_details,
    line.duration_ms,
    line.bytes_received,
    line.bytes_sent,
    line.upstream_host,
    line.upstream_cluster,
    line.route_name,
    line.request_id,
    line.user_agent
from log_lines as line
inner join places on line.source = places.source and line.source_offset = places.source_offset
order by line.start_time asc, line.source asc, line.source_offset asc
limit $row_limit
