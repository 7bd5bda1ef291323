-- purpose: Calls that a proxy still sent to a pod that had been gone for over thirty seconds: its endpoints are old.
-- kind: check
-- reads: calls, pod_absences, asked_for
-- grain: one calling pod and callee
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
select
    calls.caller_namespace,
    coalesce(calls.caller, 'unknown') as caller,
    calls.caller_pod,
    calls.callee,
    any_value(calls.callee_namespace) as callee_namespace,
    count(*) as calls,
    count(*) filter (where calls.is_error) as failures,
    list(distinct calls.callee_pod order by calls.callee_pod) as pods,
    max(epoch(calls.start_time - absence.gone_from))::double as longest_seconds,
    min(calls.start_time) as first_seen,
    max(calls.start_time) as last_seen
from calls
inner join pod_absences as absence
    on calls.callee_pod_namespace = absence.namespace and calls.callee_pod = absence.pod
where
    calls.reporter = 'source'
    and calls.start_time > absence.gone_from + interval 30 seconds
    and calls.start_time < coalesce(absence.gone_to, timestamptz 'infinity')
    and asked_for(calls.start_time, calls.caller_namespace, calls.callee_namespace, $since, $until, $namespaces)
group by calls.caller_namespace, coalesce(calls.caller, 'unknown'), calls.caller_pod, calls.callee
having count(*) >= 5
order by calls desc, caller asc, callee asc
