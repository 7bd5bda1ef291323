-- purpose: Calls of one attempt of which the two proxies report different response codes: something between the
--          callee's proxy and the caller's application changed the answer.
-- kind: check
-- reads: calls, asked_for
-- grain: one edge and pair of codes
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
select
    caller_namespace,
    coalesce(caller, 'unknown') as caller,
    callee,
    any_value(callee_namespace) as callee_namespace,
    response_code,
    server_response_code,
    mode(coalesce(response_flags, '-')) as flags,
    mode(coalesce(server_response_flags, '-')) as server_flags,
    mode(left(coalesce(response_code_details, '-'), 120)) as details,
    count(*) as calls,
    list(request_id order by start_time asc)[:5] as request_ids,
    min(start_time) as first_seen,
    max(start_time) as last_seen
from calls
where
    reporter = 'both'
    and server_lines = 1
    and protocol <> 'tcp'
    and response_code is distinct from server_response_code
    and asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
group by caller_namespace, coalesce(caller, 'unknown'), callee, response_code, server_response_code
having count(*) >= 5
order by calls desc, caller asc, callee asc
