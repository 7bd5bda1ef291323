-- purpose: One row per call. The caller's proxy writes an outbound line and the callee's an inbound line; both are one
--          call (`client_calls`). Inbound lines left over are calls that the callee alone saw (`server_calls`).
-- kind: table
-- reads: client_calls, server_calls, gateway_routes, pod_addresses, declared_hosts, service_ports, address_ip,
--        call_failed, host_matches, name_without_port
-- grain: one call
-- params: none
with all_calls as (
    select * from client_calls
    union all
    select * from server_calls
),

-- Requests that a gateway found no cluster for: the host from outside is not whom they were meant for.
unrouted as (
    select
        all_calls.line,
        route.destination
    from all_calls
    inner join gateway_routes as route
        on
            host_matches(route.host, lower(name_without_port(all_calls.authority)))
            and (route.exact is null or split_part(all_calls.path, '?', 1) = route.exact)
            and (route.prefix is null or starts_with(all_calls.path, route.prefix))
            and (route.regex is null or coalesce(try(regexp_full_match(all_calls.path, route.regex)), false))
    where all_calls.caller_kind = 'gateway' and all_calls.route_kind = 'none'
    qualify row_number() over (
        partition by all_calls.line
        order by route.host not like '*%' desc, length(route.host) desc, route.number asc, route.name asc
    ) = 1
),

-- Most addresses belong to one pod for ever; only the others need the time of the call.
reused_addresses as (
    select
        all_calls.line,
        address.namespace,
        address.pod,
        address.workload
    from all_calls
    inner join pod_addresses as address on address_ip(all_calls.upstream_host) = address.address
    where
        address.owners > 1
        and all_calls.reporter in ('source', 'both')
        and all_calls.start_time >= address.valid_from
        and (address.valid_to is null or all_calls.start_time < address.valid_to)
    qualify row_number() over (partition by all_calls.line order by address.valid_from desc, address.pod asc) = 1
),

own_addresses as (
    select * from pod_addresses
    where owners = 1
),

port_protocols as (
    select
        host,
        port,
        any_value(protocol order by kind asc) as protocol
    from service_ports
    group by host, port
)

select
    call.start_time,
    call.end_time,
    call.caller_namespace,
    call.caller,
    call.caller_pod,
    call.caller_kind,
    coalesce(unrouted.destination, call.called_host) as callee,
    declared.namespace as callee_namespace,
    case
        when declared.host is not null and declared.location = 'mesh' then 'service'
        when declared.host is not null then 'external'
        when call.route_kind = 'blackhole' then 'blackhole'
        when call.route_kind = 'passthrough' then 'external'
        else 'unknown'
    end as callee_kind,
    call.route_kind,
    coalesce(call.server_namespace, upstream.namespace, reused.namespace) as callee_pod_namespace,
    coalesce(call.server_pod, upstream.pod, reused.pod) as callee_pod,
    coalesce(call.server_workload, upstream.workload, reused.workload) as callee_workload,
    call.port,
    case
        when call.transport = 'http' and service_port.protocol = 'grpc' then 'grpc'
        else call.transport
    end as protocol,
    call.method,
    call.path,
    call.http_protocol,
    call.authority,
    call.upstream_cluster,
    call.subset,
    call.upstream_host,
    call.route_name,
    call.request_id,
    call.response_code,
    call.response_flags,
    call.response_code_details,
    call.upstream_transport_failure_reason,
    call.connection_termination_details,
    call.grpc_status,
    call.duration_ms,
    call.bytes_received,
    call.bytes_sent,
    -- A gRPC call fails in its trailers, under code 200 and without a flag.
    call_failed(call.transport, call.response_code, call.response_flags)
    or coalesce(call.grpc_status, call.server_grpc_status, 0) > 0 as is_error,
    call.reporter,
    call.server_lines,
    call.server_response_code,
    call.server_response_flags,
    call.server_response_code_details,
    call.server_upstream_transport_failure_reason,
    call.server_connection_termination_details,
    call.server_grpc_status,
    call.server_duration_ms,
    call.source,
    call.source_offset,
    call.server_source,
    call.server_source_offset
from all_calls as call
left join unrouted on call.line = unrouted.line
left join declared_hosts as declared on coalesce(unrouted.destination, call.called_host) = declared.host
left join own_addresses as upstream
    on call.reporter in ('source', 'both') and address_ip(call.upstream_host) = upstream.address
left join reused_addresses as reused on call.line = reused.line
left join port_protocols as service_port on call.called_host = service_port.host and call.port = service_port.port
