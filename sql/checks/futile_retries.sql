-- purpose: Edges whose retries hardly ever helped: of the calls that were tried more than once (several attempts at the
--          callee's proxy, or given up as URX) under 5 % succeeded, at most 10 % for sure.
-- kind: check
-- reads: calls, asked_for, wilson_upper
-- grain: one edge
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
with retried as (
    select *
    from calls
    where
        protocol <> 'tcp'
        and reporter in ('source', 'both')
        and (server_lines > 1 or list_contains(string_split(coalesce(response_flags, ''), ','), 'URX'))
        and asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
),

edges as (
    select
        caller_namespace,
        coalesce(caller, 'unknown') as caller,
        callee,
        any_value(callee_namespace) as callee_namespace,
        count(*) as retried,
        count(*) filter (where not is_error) as helped,
        sum(server_lines)::bigint as attempts,
        histogram(coalesce(response_code::varchar, '-')) as codes,
        histogram(coalesce(response_flags, '-')) as flags,
        min(start_time) as first_seen,
        max(start_time) as last_seen
    from retried
    group by caller_namespace, coalesce(caller, 'unknown'), callee
)

select
    *,
    wilson_upper(helped, retried, 1.96) as helped_upper
from edges
where
    retried >= 50
    and helped < 0.05 * retried
    and wilson_upper(helped, retried, 1.96) < 0.10
order by retried desc, caller asc, callee asc
