-- purpose: Calls that met a connection which the callee was just closing: an upstream reset (UC) at once, without a line
--          of the callee, on a connection that had been idle for at least as long as on all the others like it.
-- kind: check
-- reads: log_lines, calls, pod_absences, asked_for
-- grain: one edge
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
with used as (
    select
        source,
        source_offset,
        start_time,
        start_time - lag(end_time) over (
            partition by source, upstream_local_address, upstream_host
            order by start_time asc
        ) as idle
    from log_lines
    where side = 'outbound' and transport = 'http' and upstream_local_address is not null
),

judged as (
    select
        calls.*,
        epoch(used.idle)::double as idle_seconds,
        list_contains(string_split(coalesce(calls.response_flags, ''), ','), 'UC')
        and calls.server_lines = 0
        and calls.duration_ms < 50 as is_race
    from used
    inner join calls
        on
            used.source = calls.source
            and used.source_offset = calls.source_offset
            and used.start_time = calls.start_time
    where
        used.idle is not null
        and asked_for(
            calls.start_time, calls.caller_namespace, calls.callee_namespace, $since, $until, $namespaces
        )
        -- A pod that goes away closes its connections, idle or not.
        and not exists (
            select 1 from pod_absences as absence
            where
                calls.callee_pod_namespace = absence.namespace
                and calls.callee_pod = absence.pod
                and calls.start_time >= absence.gone_from - interval 30 seconds
                and calls.start_time <= absence.gone_from + interval 30 seconds
        )
),

edges as (
    select
        caller_namespace,
        coalesce(caller, 'unknown') as caller,
        callee,
        any_value(callee_namespace) as callee_namespace,
        count(*) filter (where is_race) as races,
        min(idle_seconds) filter (where is_race) as shortest_idle_seconds,
        median(idle_seconds) filter (where is_race) as median_idle_seconds,
        list(idle_seconds) filter (where not is_race and not is_error) as good_idle_seconds,
        min(start_time) filter (where is_race) as first_seen,
        max(start_time) filter (where is_race) as last_seen
    from judged
    group by caller_namespace, coalesce(caller, 'unknown'), callee
)

select
    * exclude (good_idle_seconds),
    len(list_filter(good_idle_seconds, lambda idle: idle < shortest_idle_seconds)) as good_after_less,
    len(list_filter(good_idle_seconds, lambda idle: idle >= shortest_idle_seconds)) as good_after_more
from edges
where
    races >= 5
    and shortest_idle_seconds >= 1
    -- Above the constant hardly anything succeeds, below it hardly anything fails.
    and len(list_filter(good_idle_seconds, lambda idle: idle >= shortest_idle_seconds)) <= races
order by races desc, caller asc, callee asc
