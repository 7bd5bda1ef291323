-- purpose: Requests that a gateway refused because they came over a connection made for another host (404 NR or 421):
--          browsers reuse an HTTP/2 connection for every name that its certificate covers.
-- kind: check
-- reads: log_lines, name_without_port
-- grain: one gateway, server name and authority
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
select
    reporter_namespace as caller_namespace,
    coalesce(reporter_workload, reporter_pod, 'unknown') as gateway,
    name_without_port(authority) as callee,
    requested_server_name as server_name,
    count(*) as calls,
    mode(response_code) as response_code,
    min(start_time) as first_seen,
    max(start_time) as last_seen
from log_lines
where
    reporter_kind = 'gateway'
    and requested_server_name is not null
    and requested_server_name not like 'outbound\_%' escape '\'
    and authority is not null
    and name_without_port(authority) <> requested_server_name
    and (
        response_code = 421
        or (response_code = 404 and list_contains(string_split(coalesce(response_flags, ''), ','), 'NR'))
    )
    and ($since is null or start_time >= $since)
    and ($until is null or start_time < $until)
    and (len($namespaces) = 0 or list_contains($namespaces, reporter_namespace))
group by
    reporter_namespace, coalesce(reporter_workload, reporter_pod, 'unknown'), name_without_port(authority),
    requested_server_name
having count(*) >= 5
order by calls desc, callee asc
