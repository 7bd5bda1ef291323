-- purpose: Edges whose timeout cuts off slow answers as a habit: over 1 % of the calls for sure (Wilson, 95 %) ended as
--          UT, spread over at least half of ten equal slices of the traffic. A timeout censors what it cuts off, so the
--          Kaplan-Meier estimate of the answers' 99th percentile lies above it exactly where over 1 % are cut off
--          `answered_p` are quantiles of the answers that came, the share that is cut off counted as later.
-- kind: check
-- reads: calls, asked_for, wilson_lower
-- grain: one edge
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with told as (
    select
        caller_namespace,
        coalesce(caller, 'unknown') as caller,
        callee,
        callee_namespace,
        start_time,
        duration_ms,
        list_contains(string_split(coalesce(response_flags, ''), ','), 'UT') as is_cut_off
    from calls
    where
        protocol <> 'tcp'
        and reporter in ('source', 'both')
        and asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
),

sliced as (
    select
        *,
        ntile(10) over (partition by caller_namespace, caller, callee order by start_time asc) as slice
    from told
),

edges as (
    select
        caller_namespace,
        caller,
        callee,
        any_value(callee_namespace) as callee_namespace,
        count(*) as calls,
        count(*) filter (where is_cut_off) as cut_off,
        count(distinct case when is_cut_off then slice end) as slices,
        mode(case when is_cut_off then duration_ms end) as timeout_ms,
        quantile_cont(if(is_cut_off, null, duration_ms), 0.5) as answered_median_ms,
        max(if(is_cut_off, null, duration_ms)) as answered_longest_ms,
        min(start_time) as first_seen,
        max(start_time) as last_seen
    from sliced
    group by caller_namespace, caller, callee
)

select
    *,
    wilson_lower(cut_off, calls, 1.96) as cut_off_lower
from edges
where
    calls >= greatest($minimum_samples, 50)
    and cut_off >= 5
    and slices >= 5
    and wilson_lower(cut_off, calls, 1.96) > 0.01
order by cut_off desc, caller asc, callee asc
