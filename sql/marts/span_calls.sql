-- purpose: Calls as spans show them: one row for the span a proxy made for an outbound request. Spans without `node_id`
--          are single attempts below such a span (a gateway makes them for each try); they count only where the
--          span above them is missing, and then only the first attempt.
-- kind: table
-- reads: spans, pods, declared_hosts, service_names, service_ports, name_without_port, call_failed
-- grain: one call
-- params: none
with proxy_spans as (
    select
        span.* exclude (cluster),
        rtrim(span.upstream_cluster, ';') as cluster,
        split_part(span.node_id, '~', 1) as node_type,
        -- sidecar~IP~POD.NAMESPACE~DOMAIN
        regexp_extract(split_part(span.node_id, '~', 3), '^(.*)\.([^.]+)$', 1) as node_pod,
        regexp_extract(split_part(span.node_id, '~', 3), '^(.*)\.([^.]+)$', 2) as node_namespace
    from spans as span
    where span.node_id is not null or span.istio_namespace is not null
),

outbound as (
    select span.*
    from proxy_spans as span
    left join proxy_spans as parent
        on span.trace_id = parent.trace_id and span.parent_span_id = parent.span_id
    where
        (span.cluster is null or (span.cluster not like 'inbound|%' and span.cluster not like 'InboundPassthrough%'))
        and (span.cluster is not null or span.kind = 'CLIENT' or span.node_type = 'router')
        and (
            span.node_id is not null
            or (parent.span_id is null and span.attributes['retry.count'] is null)
        )
    -- A span exported twice (a retried export) is one span.
    qualify row_number() over (partition by span.trace_id, span.span_id order by span.source asc, span.source_offset asc) = 1
),

resolved as (
    select
        span.*,
        pods.workload,
        coalesce(pods.is_gateway, span.node_type = 'router') as is_gateway,
        coalesce(
            case when span.cluster like '%|%|%|%' then nullif(split_part(span.cluster, '|', 4), '') end,
            name_without_port(regexp_extract(span.url, '^[a-z]+://([^/]+)', 1)),
            nullif(regexp_extract(span.name, '^egress (.+)$', 1), '')
        ) as called_host,
        case when span.cluster like '%|%|%|%' then try_cast(split_part(span.cluster, '|', 2) as integer) end as port
    from outbound as span
    left join pods on span.node_namespace = pods.namespace and span.node_pod = pods.pod
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
    span.trace_id,
    span.span_id,
    span.start_time,
    span.end_time,
    coalesce(nullif(span.node_namespace, ''), span.istio_namespace) as caller_namespace,
    coalesce(span.workload, span.istio_canonical_service) as caller,
    case
        when span.is_gateway then 'gateway'
        when coalesce(span.workload, span.istio_canonical_service) is null then 'unknown'
        else 'workload'
    end as caller_kind,
    coalesce(own.host, anywhere.host, span.called_host) as callee,
    declared.namespace as callee_namespace,
    case
        when declared.host is not null and declared.location = 'mesh' then 'service'
        when declared.host is not null then 'external'
        when span.cluster = 'BlackHoleCluster' then 'blackhole'
        when span.cluster = 'PassthroughCluster' then 'external'
        else 'unknown'
    end as callee_kind,
    span.port,
    case when service_port.protocol = 'grpc' then 'grpc' else 'http' end as protocol,
    span.response_code,
    span.response_flags,
    span.duration_ms,
    span.request_id,
    call_failed('http', span.response_code, span.response_flags) as is_error
from resolved as span
left join service_names as own
    on
        span.called_host = own.spelled
        and coalesce(nullif(span.node_namespace, ''), span.istio_namespace) = own.caller_namespace
left join service_names as anywhere on span.called_host = anywhere.spelled and anywhere.caller_namespace is null
left join declared_hosts as declared on coalesce(own.host, anywhere.host, span.called_host) = declared.host
left join port_protocols as service_port on span.called_host = service_port.host and span.port = service_port.port
