-- purpose: Calls of methods that are not idempotent (RFC 9110, 9.2.2) which the callee's application answered more than
--          once: each attempt may have taken effect. An attempt that the proxy refused or could not deliver does not
--          count.
-- kind: check
-- reads: log_lines, call_matches, calls, asked_for
-- grain: one edge, method and route
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
with answered as (
    select
        matched.outbound_line,
        count(*) as answers
    from call_matches as matched
    inner join log_lines as inbound on matched.inbound_line = inbound.line
    where
        inbound.method in ('POST', 'PATCH')
        and coalesce(inbound.response_code_details, 'via_upstream') = 'via_upstream'
        and coalesce(inbound.response_code, 0) > 0
    group by matched.outbound_line
    having count(*) > 1
),

repeated as (
    select
        calls.*,
        answered.answers
    from answered
    inner join log_lines as client on answered.outbound_line = client.line
    inner join calls
        on
            client.source = calls.source
            and client.source_offset = calls.source_offset
            and client.start_time = calls.start_time
    where asked_for(calls.start_time, calls.caller_namespace, calls.callee_namespace, $since, $until, $namespaces)
)

select
    caller_namespace,
    coalesce(caller, 'unknown') as caller,
    callee,
    any_value(callee_namespace) as callee_namespace,
    method,
    route_name,
    count(*) as calls,
    sum(answers)::bigint as answers,
    count(*) filter (where protocol = 'grpc') as grpc_calls,
    list(request_id order by start_time asc)[:5] as request_ids,
    list(distinct path order by path asc)[:5] as paths,
    min(start_time) as first_seen,
    max(start_time) as last_seen
from repeated
group by caller_namespace, coalesce(caller, 'unknown'), callee, method, route_name
order by calls desc, caller asc, callee asc, method asc
