-- purpose: Calls that were still under way when the call that asked for them had been given up (UT, or the caller left,
--          DC): the callee worked on for nobody, so the outer timeout is shorter than the inner call takes. Two calls
--          belong together by request id and by the pod that served one and made the other.
-- kind: check
-- reads: calls, asked_for
-- grain: one outer edge and one inner edge
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
with given_up as (
    select *
    from calls
    where
        request_id is not null
        and callee_pod is not null
        and reporter in ('source', 'both')
        and list_has_any(string_split(coalesce(response_flags, ''), ','), ['UT', 'DC'])
        and asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
)

select
    given_up.caller_namespace,
    coalesce(given_up.caller, 'unknown') as caller,
    given_up.callee,
    given_up.callee_namespace,
    coalesce(inner_call.caller, 'unknown') as inner_caller,
    inner_call.caller_namespace as inner_caller_namespace,
    inner_call.callee as inner_callee,
    count(*) as calls,
    median(given_up.duration_ms)::double as outer_ms,
    median(inner_call.duration_ms)::double as inner_ms,
    max(inner_call.duration_ms) as longest_inner_ms,
    count(*) filter (where list_contains(string_split(coalesce(given_up.response_flags, ''), ','), 'UT')) as timed_out,
    list(given_up.request_id order by given_up.start_time asc)[:5] as request_ids,
    min(given_up.start_time) as first_seen,
    max(given_up.start_time) as last_seen
from given_up
inner join calls as inner_call
    on
        given_up.request_id = inner_call.request_id
        and given_up.callee_pod = inner_call.caller_pod
        and given_up.callee_pod_namespace is not distinct from inner_call.caller_namespace
where
    inner_call.start_time >= given_up.start_time - interval 50 milliseconds
    and inner_call.start_time < given_up.end_time
    -- Two clocks: what ended within a tenth of a second of the giving up may have been part of it.
    and inner_call.end_time > given_up.end_time + interval 100 milliseconds
group by
    given_up.caller_namespace, coalesce(given_up.caller, 'unknown'), given_up.callee, given_up.callee_namespace,
    coalesce(inner_call.caller, 'unknown'), inner_call.caller_namespace, inner_call.callee
having count(*) >= 5
order by calls desc, caller asc, callee asc, inner_callee asc
