-- purpose: Ports whose declared protocol is not the one that was seen: declared HTTP or gRPC and only TCP lines, or
--          declared nothing (Istio looks at the bytes) and HTTP all the time; and answers or requests that a proxy could
--          not read as the declared protocol (UPE, DPE, codec errors).
-- kind: check
-- reads: calls, service_ports, asked_for
-- grain: one port of one host
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with seen as (
    select
        callee,
        port,
        any_value(callee_namespace) as callee_namespace,
        count(*) as calls,
        count(*) filter (where protocol = 'tcp') as tcp_calls,
        count(*) filter (where protocol <> 'tcp') as http_calls,
        count(*) filter (
            where list_has_any(string_split(coalesce(response_flags, '') || ',' || coalesce(server_response_flags, ''), ','), ['UPE', 'DPE'])
            or coalesce(response_code_details, '') || coalesce(server_response_code_details, '') like '%codec_error%'
        ) as unreadable,
        list(distinct coalesce(caller, 'unknown') order by coalesce(caller, 'unknown')) as callers,
        histogram(coalesce(http_protocol, '-')) as protocols,
        min(start_time) as first_seen,
        max(start_time) as last_seen
    from calls
    where
        callee_kind = 'service'
        and port is not null
        and route_kind = 'registry'
        and asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
    group by callee, port
),

declared as (
    select
        host,
        port,
        any_value(kind order by kind asc) as kind,
        any_value(namespace order by kind asc) as namespace,
        any_value(name order by kind asc) as name,
        any_value(port_name order by kind asc) as port_name,
        any_value(protocol order by kind asc) as protocol
    from service_ports
    group by host, port
)

select
    seen.*,
    declared.kind,
    declared.namespace,
    declared.name,
    declared.port_name,
    declared.protocol as declared_protocol,
    case
        when declared.protocol in ('http', 'grpc') and seen.http_calls = 0 then 'only_tcp'
        when declared.protocol = 'auto' and seen.tcp_calls = 0 then 'undeclared_http'
        else 'unreadable'
    end as mismatch
from seen
inner join declared on seen.callee = declared.host and seen.port = declared.port
where
    (declared.protocol in ('http', 'grpc') and seen.http_calls = 0 and seen.tcp_calls >= $minimum_samples)
    or (declared.protocol = 'auto' and seen.tcp_calls = 0 and seen.http_calls >= $minimum_samples)
    or (seen.unreadable >= $minimum_samples and seen.unreadable * 10 >= seen.calls)
order by seen.callee asc, seen.port asc
