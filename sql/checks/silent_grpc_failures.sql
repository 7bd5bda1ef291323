-- purpose: gRPC calls that failed although their log line says 200 without a flag: the status was in the trailers. A
--          span of the same request says it; else the answer had no message while metrics counted failures of that edge
--          (or the same method answers with messages otherwise, where no metrics tell of the edge). 13 means a status
--          that nothing states.
-- kind: table
-- reads: calls, spans, grpc_status_steps
-- grain: one call
-- params: none
with candidates as (
    select
        source,
        source_offset,
        request_id,
        caller_namespace,
        caller,
        callee,
        path,
        end_time,
        bytes_sent
    from calls
    where
        reporter <> 'destination'
        and response_code = 200
        and grpc_status is null
        and server_grpc_status is null
        and response_flags is null
        and coalesce(response_code_details, 'via_upstream') = 'via_upstream'
        and coalesce(server_response_flags, '') in ('', '-')
        and coalesce(server_response_code_details, 'via_upstream') = 'via_upstream'
        and (protocol = 'grpc' or (http_protocol = 'HTTP/2' and method = 'POST' and path like '/%.%/%'))
),

told_by_spans as (
    select
        request_id,
        rtrim(upstream_cluster, ';') as cluster,
        max(try_cast(attributes['grpc.status_code'] as integer)) as grpc_status
    from spans
    where request_id is not null and attributes['grpc.status_code'] not in ('0', '-')
    group by request_id, rtrim(upstream_cluster, ';')
),

-- Methods that usually answer with a message.
speaking as (
    select
        callee,
        path
    from candidates
    group by callee, path
    having avg((bytes_sent > 0)::integer) > 0.5
),

measured as (
    select distinct callee from grpc_status_steps
),

silent as (
    select * from candidates
    where bytes_sent = 0
)

select
    silent.source,
    silent.source_offset,
    coalesce(
        any_value(told_by_spans.grpc_status),
        arg_min(step.grpc_status, step.time) filter (where step.grpc_status > 0),
        13
    ) as grpc_status
from silent
left join told_by_spans
    on silent.request_id = told_by_spans.request_id and told_by_spans.cluster like '%|' || silent.callee
left join grpc_status_steps as step
    on
        silent.callee = step.callee
        and silent.caller = step.caller
        and step.grpc_status > 0
        -- The answer at a step is of the scrape before it, which may be a step ago.
        and silent.end_time > step.since - (step.time - step.since)
        and silent.end_time <= step.time
left join measured on silent.callee = measured.callee
left join speaking on silent.callee = speaking.callee and silent.path = speaking.path
where
    told_by_spans.request_id is not null
    or step.time is not null
    or (measured.callee is null and speaking.callee is not null)
group by silent.source, silent.source_offset
