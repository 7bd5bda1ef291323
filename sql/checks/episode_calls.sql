-- purpose: Failing calls that are roots, put into episodes: one callee, one cause, one signature (flags without URX,
--          class of the details, deciding proxy), and, where each caller has a fault of its own, one caller. More than
--          five seconds of quiet ends an episode: two faults are two findings. Where a signature has at least three
--          bursts of fewer than five calls, those are one sporadic episode: calls that fail now and then.
-- kind: table
-- reads: failing_calls, failure_roots
-- grain: one failing call that is its own root
-- params: none
with roots as (
    select
        call.call_id,
        call.start_time,
        call.end_time,
        hash(
            call.callee, call.callee_namespace, call.port, call.protocol, call.cause, call.decided_by, call.side,
            list_filter(call.flags, lambda flag: flag <> 'URX'), call.details_class,
            if(call.scope = 'edge', [call.caller_namespace, call.caller], [])
        ) as signature
    from failing_calls as call
    inner join failure_roots as root on call.call_id = root.call_id
    where root.hops = 0
),

opened as (
    select
        *,
        coalesce(
            start_time > max(end_time) over (
                partition by signature
                order by start_time, call_id
                rows between unbounded preceding and 1 preceding
            ) + interval 5 seconds,
            true
        ) as opens
    from roots
),

counted as (
    select
        *,
        count(*) filter (where opens) over (partition by signature order by start_time, call_id) as number_of_episode
    from opened
),

bursts as (
    select
        signature,
        number_of_episode,
        count(*) < 5 and sum((count(*) < 5)::bigint) over (partition by signature) >= 3 as is_sporadic
    from counted
    group by signature, number_of_episode
)

select
    counted.call_id,
    counted.signature,
    counted.number_of_episode as burst,
    bursts.is_sporadic,
    dense_rank() over (
        order by counted.signature, if(bursts.is_sporadic, 0, counted.number_of_episode)
    ) as episode
from counted
inner join bursts
    on counted.signature = bursts.signature and counted.number_of_episode = bursts.number_of_episode
