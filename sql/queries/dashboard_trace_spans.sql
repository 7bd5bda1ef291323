-- purpose: The spans of one trace by time. A span exported twice is one span.
-- kind: query
-- reads: spans, pods
-- grain: one span
-- params: trace_id VARCHAR, row_limit BIGINT
with distinct_spans as (
    select
        *,
        regexp_extract(split_part(node_id, '~', 3), '^(.*)\.([^.]+)$', 1) as node_pod,
        regexp_extract(split_part(node_id, '~', 3), '^(.*)\.([^.]+)$', 2) as node_namespace
    from spans
    where trace_id = $trace_id
    qualify row_number() over (partition by trace_id, span_id order by source asc, source_offset asc) = 1
)

select
    span.span_id,
    span.parent_span_id,
    span.name,
    span.kind,
    span.start_time,
    span.end_time,
    epoch_us(span.end_time - span.start_time) / 1000 as duration_ms,
    coalesce(span.istio_canonical_service, span.service_name, 'unknown') as service,
    coalesce(nullif(span.node_namespace, ''), span.istio_namespace) as namespace,
    nullif(span.node_pod, '') as pod,
    pods.workload,
    span.method,
    span.url,
    span.protocol,
    span.response_code,
    span.response_flags,
    span.status_code,
    span.status_message,
    span.upstream_cluster,
    span.peer_address,
    span.request_id,
    span.source,
    span.source_offset,
    map_entries(span.attributes) as attributes,
    coalesce(span.status_code in ('ERROR', 'STATUS_CODE_ERROR') or span.response_code >= 500, false) as is_error,
    count(*) over () as spans
from distinct_spans as span
left join pods on span.node_namespace = pods.namespace and span.node_pod = pods.pod
order by span.start_time asc, span.span_id asc
limit $row_limit
