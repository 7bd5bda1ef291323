-- purpose: Hosts that refused calls by rate limit (RL), with each caller's part of the calls and of the refusals.
-- kind: check
-- reads: calls, asked_for
-- grain: one host
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with edges as (
    select
        callee,
        any_value(callee_namespace) as callee_namespace,
        caller_namespace,
        coalesce(caller, 'unknown') as caller,
        count(*) as calls,
        count(*) filter (
            where list_contains(
                string_split(coalesce(response_flags, '') || ',' || coalesce(server_response_flags, ''), ','), 'RL'
            )
        ) as refused,
        min(start_time) as first_seen,
        max(start_time) as last_seen
    from calls
    where asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
    group by callee, caller_namespace, coalesce(caller, 'unknown')
)

select
    callee,
    any_value(callee_namespace) as callee_namespace,
    sum(calls)::bigint as calls,
    sum(refused)::bigint as refused,
    arg_max(caller, (calls, caller)) as heaviest,
    arg_max(caller_namespace, (calls, caller)) as heaviest_namespace,
    max(calls) as heaviest_calls,
    list({ 'caller': caller, 'calls': calls, 'refused': refused } order by calls desc, caller asc) as callers,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from edges
group by callee
having sum(refused) >= $minimum_samples and count(*) > 1
order by refused desc, callee asc
