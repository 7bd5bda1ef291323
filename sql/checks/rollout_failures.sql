-- purpose: Failures around the ends and starts of a workload's pods: lost connections (UC), connections that could not
--          be made (UF) and no healthy endpoint (UH) from five seconds before to thirty after, against those at other
--          times.
-- kind: check
-- reads: calls, pods, pod_absences, service_backends, asked_for
-- grain: one host and workload
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
with events as (
    select
        namespace,
        pod,
        'stop' as part,
        gone_from as moment
    from pod_absences
    union all
    select
        namespace,
        pod,
        'start' as part,
        valid_from as moment
    from pods
    union all
    select
        namespace,
        pod,
        'start' as part,
        gone_to as moment
    from pod_absences
    where gone_to is not null
),

host_events as (
    select distinct
        backend.host,
        backend.namespace,
        backend.workload,
        events.part,
        events.moment
    from events
    inner join service_backends as backend on events.namespace = backend.namespace and events.pod = backend.pod
),

failures as (
    select *
    from calls
    where
        list_has_any(string_split(coalesce(response_flags, ''), ','), ['UC', 'UF', 'UH'])
        and asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
),

placed as (
    select
        failures.callee,
        failures.callee_namespace,
        failures.caller,
        failures.caller_namespace,
        failures.start_time,
        failures.response_flags,
        arg_min(event.workload, abs(epoch(failures.start_time - event.moment))) as workload,
        arg_min(event.namespace, abs(epoch(failures.start_time - event.moment))) as workload_namespace,
        arg_min(event.part, abs(epoch(failures.start_time - event.moment))) as part,
        arg_min(event.moment, abs(epoch(failures.start_time - event.moment))) as moment
    from failures
    left join host_events as event
        on
            failures.callee = event.host
            and failures.start_time >= event.moment - interval 5 seconds
            and failures.start_time <= event.moment + interval 30 seconds
    group by all
)

select
    callee,
    any_value(callee_namespace) as callee_namespace,
    any_value(workload order by start_time asc) filter (where part is not null) as workload,
    any_value(workload_namespace order by start_time asc) filter (where part is not null) as workload_namespace,
    count(*) as failures,
    count(*) filter (where part is not null) as near,
    count(*) filter (where part = 'stop') as near_stops,
    count(*) filter (where part = 'start') as near_starts,
    count(distinct moment) as events,
    histogram(response_flags) filter (where part is not null) as flags,
    list(distinct coalesce(caller, 'unknown') order by coalesce(caller, 'unknown')) as callers,
    min(start_time) filter (where part is not null) as first_seen,
    max(start_time) filter (where part is not null) as last_seen
from placed
group by callee
having
    count(*) filter (where part is not null) >= 5
    and count(*) filter (where part is not null) * 5 >= count(*) * 4
    -- One event is one incident; several are a habit.
    and count(distinct moment) >= 2
order by near desc, callee asc
