-- purpose: Calls that failed, each with the log line that decides (the caller's proxy or the callee's) and its cause.
--          The callee's line decides where the caller's proxy only passed an answer on (`via_upstream`), where a
--          stream was cut after its start, and where only the callee's proxy has flags. A callee's DC under a caller's
--          timeout belongs to the caller. A 4xx of the application is an answer, not a failure. A gRPC call fails in its
--          trailers, which a log line shows only where its format has GRPC_STATUS; `silent_grpc_failures` has the rest.
-- kind: table
-- reads: calls, failure_rules, silent_grpc_failures
-- grain: one failing call
-- params: none
with suspects as (
    select
        calls.*,
        silent.grpc_status is not null or coalesce(calls.grpc_status, calls.server_grpc_status, 0) > 0 as is_grpc_failure,
        coalesce(server_lines, 0) > 0 as has_server,
        coalesce(response_code_details, 'via_upstream') as client_details,
        list_filter(string_split(coalesce(response_flags, ''), ','), lambda flag: flag not in ('', '-')) as client_flags,
        list_filter(string_split(coalesce(server_response_flags, ''), ','), lambda flag: flag not in ('', '-'))
            as server_flags
    from calls
    left join silent_grpc_failures as silent
        on calls.source = silent.source and calls.source_offset = silent.source_offset
    where
        is_error
        or silent.grpc_status is not null
        or connection_termination_details is not null
        or server_connection_termination_details is not null
        or response_flags is not null
        or server_response_flags is not null
        or coalesce(response_code, 0) >= 500
        or coalesce(response_code_details, 'via_upstream') <> 'via_upstream'
        or coalesce(server_response_code_details, 'via_upstream') <> 'via_upstream'
),

decided as (
    select
        *,
        case
            when reporter = 'destination' then 'server'
            when not has_server then 'client'
            when protocol = 'tcp'
                then if(len(server_flags) > 0 or server_connection_termination_details is not null, 'server', 'client')
            when len(server_flags) > 0 and list_has_all(['DC', 'DR'], server_flags) then 'client'
            when client_details = 'via_upstream' and list_has_all(['URX', 'DI', 'RFCF'], client_flags) then 'server'
            when client_details like 'upstream\_reset%' escape '\' and len(server_flags) > 0 then 'server'
            else 'client'
        end as decided_by
    from suspects
),

worded as (
    select
        row_number() over () as call_id,
        *,
        list_sort(
            list_distinct(
                if(
                    decided_by = 'server',
                    list_concat(server_flags, list_intersect(client_flags, ['URX', 'DI'])),
                    client_flags
                )
            )
        ) as flags,
        if(decided_by = 'server', server_response_code, response_code) as code,
        if(decided_by = 'server', server_response_code_details, response_code_details) as details,
        if(decided_by = 'server', server_upstream_transport_failure_reason, upstream_transport_failure_reason)
            as transport_failure,
        if(decided_by = 'server', server_connection_termination_details, connection_termination_details)
            as termination,
        route_kind = 'blackhole' as is_blackhole,
        decided_by = 'client' and len(server_flags) > 0 and list_has_all(['DC', 'DR'], server_flags) as is_unanswered
    from decided
),

signatures as (
    select distinct
        decided_by,
        flags,
        code,
        details,
        transport_failure,
        termination,
        protocol,
        is_blackhole,
        is_unanswered,
        is_grpc_failure,
        list_concat(
            flags,
            case when code between 400 and 499 then ['4xx'] when code >= 500 then ['5xx'] else [] end,
            case when protocol = 'tcp' then ['tcp'] else [] end,
            case when is_blackhole then ['BlackHoleCluster'] else [] end,
            case when is_unanswered then ['unanswered'] else [] end,
            case when is_grpc_failure then ['grpc'] else [] end
        ) as marks
    from worded
),

explained as (
    select
        signature.* exclude (marks),
        rule.rule,
        rule.cause,
        rule.side,
        rule.scope
    from signatures as signature
    left join failure_rules as rule
        on
            list_has_all(signature.marks, rule.requires)
            and (rule.decided_by is null or signature.decided_by = rule.decided_by)
            and (
                rule.details is null
                or regexp_matches(concat_ws(' ', signature.details, signature.termination), rule.details)
            )
            and (
                rule.transport is null
                or regexp_matches(concat_ws(' ', signature.transport_failure, signature.details), rule.transport)
            )
    qualify row_number() over (
        partition by
            signature.decided_by, signature.flags, signature.code, signature.details, signature.transport_failure,
            signature.termination, signature.protocol, signature.is_blackhole, signature.is_unanswered,
            signature.is_grpc_failure
        order by rule.rule asc nulls last
    ) = 1
)

select
    call.call_id,
    call.start_time,
    greatest(call.end_time, call.start_time) as end_time,
    call.caller_namespace,
    coalesce(call.caller, 'unknown') as caller,
    call.caller_kind,
    call.caller_pod,
    coalesce(call.callee, 'unknown') as callee,
    call.callee_namespace,
    call.callee_kind,
    call.callee_workload,
    call.callee_pod_namespace,
    call.callee_pod,
    call.port,
    call.protocol,
    call.route_kind,
    call.subset,
    call.method,
    call.authority,
    call.route_name,
    call.request_id,
    call.response_code,
    call.response_flags,
    call.response_code_details,
    call.server_response_code,
    call.server_response_flags,
    call.server_response_code_details,
    call.transport_failure,
    call.termination,
    call.duration_ms,
    call.reporter,
    call.decided_by,
    call.flags,
    coalesce(call.details, call.termination) as details,
    -- The part of the details that names the class: policy names, addresses and error texts stay in the evidence.
    regexp_extract(coalesce(call.details, ''), '^[A-Za-z0-9_.]*(\{[a-z0-9_]+)?') as details_class,
    if(call.decided_by = 'server', call.server_source, call.source) as source,
    if(call.decided_by = 'server', call.server_source_offset, call.source_offset) as source_offset,
    explained.cause,
    coalesce(explained.scope, 'edge') as scope,
    case
        when explained.side is null then 'unknown'
        when explained.side = 'proxy' then if(call.decided_by = 'server', 'callee_proxy', 'caller_proxy')
        when explained.side = 'callee' then if(call.decided_by = 'server', 'callee_application', 'callee_proxy')
        when explained.side = 'client' and call.caller_kind = 'workload' then 'caller_application'
        when explained.side = 'callee_application' and call.server_response_code is null then 'unknown'
        else explained.side
    end as side
from worded as call
inner join explained
    on
        call.decided_by = explained.decided_by
        and call.flags = explained.flags
        and call.code is not distinct from explained.code
        and call.details is not distinct from explained.details
        and call.transport_failure is not distinct from explained.transport_failure
        and call.termination is not distinct from explained.termination
        and call.protocol = explained.protocol
        and call.is_blackhole = explained.is_blackhole
        and call.is_unanswered = explained.is_unanswered
        and call.is_grpc_failure = explained.is_grpc_failure
where
    explained.cause is not null
    or call.is_error
    or coalesce(call.code, 0) >= 500
