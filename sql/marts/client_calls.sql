-- purpose: Calls as the caller's proxy saw them, with what the callee's proxies said of the same call beside it.
-- kind: view
-- reads: log_lines, call_matches, service_names, address_ip, address_port, name_without_port
-- grain: one outbound line
-- params: none
with server_side as (
    -- What the last attempt's proxy said, and how many attempts reached a proxy.
    select
        matched.outbound_line,
        matched.server_lines,
        inbound.response_code as server_response_code,
        inbound.response_flags as server_response_flags,
        inbound.response_code_details as server_response_code_details,
        inbound.upstream_transport_failure_reason as server_upstream_transport_failure_reason,
        inbound.connection_termination_details as server_connection_termination_details,
        inbound.grpc_status as server_grpc_status,
        inbound.duration_ms as server_duration_ms,
        inbound.source as server_source,
        inbound.source_offset as server_source_offset,
        inbound.reporter_namespace as server_namespace,
        inbound.reporter_pod as server_pod,
        inbound.reporter_workload as server_workload
    from call_matches as matched
    inner join log_lines as inbound on matched.inbound_line = inbound.line
    where matched.is_last
),

client_calls as (
    select
        client.*,
        server_side.* exclude (outbound_line),
        coalesce(
            client.cluster_host,
            case
                when client.cluster in ('PassthroughCluster', 'BlackHoleCluster') or client.cluster is null
                    then coalesce(
                        name_without_port(client.authority),
                        client.requested_server_name,
                        address_ip(client.upstream_host),
                        address_ip(client.downstream_local_address)
                    )
            end
        ) as called_name,
        case when server_side.server_lines > 0 then 'both' else 'source' end as seen_by
    from log_lines as client
    left join server_side on client.line = server_side.outbound_line
    where client.side = 'outbound'
)

select
    client.line,
    client.start_time,
    client.end_time,
    client.reporter_namespace as caller_namespace,
    client.reporter_workload as caller,
    client.reporter_pod as caller_pod,
    case
        when client.reporter_workload is null then 'unknown'
        when client.reporter_kind = 'gateway' then 'gateway'
        else 'workload'
    end as caller_kind,
    coalesce(own.host, anywhere.host, client.called_name) as called_host,
    case
        when client.cluster = 'BlackHoleCluster' or client.route_name = 'block_all' then 'blackhole'
        when client.cluster = 'PassthroughCluster' then 'passthrough'
        when client.cluster_host is not null then 'registry'
        else 'none'
    end as route_kind,
    coalesce(
        client.cluster_port,
        address_port(client.upstream_host),
        try_cast(regexp_extract(client.authority, ':([0-9]+)$', 1) as integer),
        address_port(client.downstream_local_address)
    ) as port,
    client.seen_by as reporter,
    coalesce(client.server_lines, 0) as server_lines,
    client.server_response_code,
    client.server_response_flags,
    client.server_response_code_details,
    client.server_upstream_transport_failure_reason,
    client.server_connection_termination_details,
    client.server_grpc_status,
    client.server_duration_ms,
    client.server_source,
    client.server_source_offset,
    client.server_pod,
    client.server_namespace,
    client.server_workload,
    client.transport,
    client.method,
    client.path,
    client.protocol as http_protocol,
    client.authority,
    client.upstream_cluster,
    client.cluster_subset as subset,
    client.upstream_host,
    client.route_name,
    client.request_id,
    client.response_code,
    client.response_flags,
    client.response_code_details,
    client.upstream_transport_failure_reason,
    client.connection_termination_details,
    client.grpc_status,
    client.duration_ms,
    client.bytes_received,
    client.bytes_sent,
    client.source,
    client.source_offset
from client_calls as client
left join service_names as own
    on client.called_name = own.spelled and client.reporter_namespace = own.caller_namespace
left join service_names as anywhere on client.called_name = anywhere.spelled and anywhere.caller_namespace is null
