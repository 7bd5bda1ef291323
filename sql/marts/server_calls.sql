-- purpose: Calls that only the callee's proxy saw: inbound lines without an outbound line. The caller is the pod at the
--          other end of the connection, where the line says so.
-- kind: view
-- reads: log_lines, call_matches, pod_addresses, service_backends, service_names, address_ip, address_port, name_without_port
-- grain: one inbound line without an outbound line
-- params: none
with server_only as (
    select inbound.*
    from log_lines as inbound
    where inbound.side <> 'outbound' and inbound.line not in (select matched.inbound_line from call_matches as matched)
),

callers_by_address as (
    select
        server.line,
        address.namespace,
        address.pod,
        address.workload,
        address.is_gateway
    from server_only as server
    inner join pod_addresses as address on address_ip(server.downstream_remote_address) = address.address
    -- Port 0: the address is what X-Forwarded-For claims, the client of the whole chain and not of this hop.
    where
        address_port(server.downstream_remote_address) > 0
        and (
            address.owners = 1
            or (
                server.start_time >= address.valid_from
                and (address.valid_to is null or server.start_time < address.valid_to)
            )
        )
    qualify row_number() over (partition by server.line order by address.valid_from desc, address.pod asc) = 1
),

server_hosts as (
    select
        server.line,
        case when count(distinct backend.host) = 1 then any_value(backend.host) end as host
    from server_only as server
    inner join service_backends as backend
        on server.reporter_namespace = backend.namespace and server.reporter_pod = backend.pod
    group by server.line
)

select
    server.line,
    server.start_time,
    server.end_time,
    caller.namespace as caller_namespace,
    caller.workload as caller,
    caller.pod as caller_pod,
    case
        when caller.is_gateway then 'gateway'
        when caller.workload is not null then 'workload'
        else 'unknown'
    end as caller_kind,
    coalesce(
        server.server_name_host, own.host, anywhere.host, server_hosts.host, name_without_port(server.authority)
    ) as called_host,
    case when server.side = 'inbound' then 'registry' else 'none' end as route_kind,
    coalesce(server.server_name_port, server.cluster_port, address_port(server.downstream_local_address)) as port,
    case when server.side = 'inbound' then 'destination' else 'unknown' end as reporter,
    1 as server_lines,
    server.response_code as server_response_code,
    server.response_flags as server_response_flags,
    server.response_code_details as server_response_code_details,
    server.upstream_transport_failure_reason as server_upstream_transport_failure_reason,
    server.connection_termination_details as server_connection_termination_details,
    server.grpc_status as server_grpc_status,
    server.duration_ms as server_duration_ms,
    server.source as server_source,
    server.source_offset as server_source_offset,
    server.reporter_pod as server_pod,
    server.reporter_namespace as server_namespace,
    server.reporter_workload as server_workload,
    server.transport,
    server.method,
    server.path,
    server.protocol as http_protocol,
    server.authority,
    server.upstream_cluster,
    null::varchar as subset,
    server.upstream_host,
    server.route_name,
    server.request_id,
    server.response_code,
    server.response_flags,
    server.response_code_details,
    server.upstream_transport_failure_reason,
    server.connection_termination_details,
    server.grpc_status,
    server.duration_ms,
    server.bytes_received,
    server.bytes_sent,
    server.source,
    server.source_offset
from server_only as server
left join callers_by_address as caller on server.line = caller.line
left join server_hosts on server.line = server_hosts.line
left join service_names as own
    on name_without_port(server.authority) = own.spelled and caller.namespace = own.caller_namespace
left join service_names as anywhere
    on name_without_port(server.authority) = anywhere.spelled and anywhere.caller_namespace is null
