-- purpose: Traces of a window, the newest first. A span exported twice is one span; a trace's duration runs from its
--          first start to its last end; its services are the workloads' canonical names, else `service.name`.
-- kind: query
-- reads: spans
-- grain: one trace
-- params: namespace VARCHAR, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, service VARCHAR, min_duration_ms DOUBLE, errors_only BOOLEAN, trace_id VARCHAR, row_limit BIGINT
with distinct_spans as (
    select
        *,
        coalesce(istio_canonical_service, service_name, 'unknown') as service,
        coalesce(status_code in ('ERROR', 'STATUS_CODE_ERROR') or response_code >= 500, false) as is_error
    from spans
    qualify row_number() over (partition by trace_id, span_id order by source asc, source_offset asc) = 1
),

summed as (
    select
        trace_id,
        min(start_time) as start_time,
        epoch_us(max(end_time) - min(start_time)) / 1000 as duration_ms,
        count(*) as spans,
        count(*) filter (where is_error) as errors,
        count(distinct service) as services,
        arg_min(name, (parent_span_id is not null, start_time)) as root_name,
        arg_min(service, (parent_span_id is not null, start_time)) as root_service,
        arg_min(method, (parent_span_id is not null, start_time)) as method,
        arg_min(url, (parent_span_id is not null, start_time)) as url,
        arg_min(response_code, (parent_span_id is not null, start_time)) as response_code,
        list(distinct service order by service asc) as service_names,
        list(distinct istio_namespace) as namespaces
    from distinct_spans
    group by trace_id
)

select
    * exclude (namespaces),
    count(*) over () as traces
from summed
where
    start_time between $window_start and $window_end
    and ($namespace::varchar is null or list_contains(namespaces, $namespace))
    and ($service::varchar is null or list_contains(service_names, $service))
    and ($trace_id::varchar is null or trace_id = $trace_id)
    and ($min_duration_ms::double is null or duration_ms >= $min_duration_ms)
    and (not $errors_only::boolean or errors > 0)
order by start_time desc, trace_id asc
limit $row_limit
