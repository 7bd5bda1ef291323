-- purpose: Minutes in which an edge failed more often than in its own recent past: the lower confidence bound of the
--          window's error rate lies above the upper bound of the baseline's, by at least a given difference.
--          Reaches are in minutes back from the window's last minute: the window is 0 to target_reach, the baseline
--          baseline_gap to baseline_reach.
-- kind: check
-- reads: edge_minutes, wilson_lower, wilson_upper
-- grain: one edge and window end
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, target_reach BIGINT, baseline_reach BIGINT, baseline_gap BIGINT, min_samples BIGINT, min_baseline_minutes BIGINT, z DOUBLE, min_difference DOUBLE
with numbered as (
    select
        *,
        epoch(minute)::bigint // 60 as minute_number
    from edge_minutes
),

rolled as (
    select
        minute,
        caller_namespace,
        caller,
        callee,
        callee_namespace,
        protocol,
        sum(calls) over target as samples,
        sum(errors) over target as errors,
        coalesce(sum(calls) over baseline, 0) as baseline_samples,
        coalesce(sum(errors) over baseline, 0) as baseline_errors,
        count(*) over baseline as baseline_minutes
    from numbered
    window
        target as (
            partition by caller_namespace, caller, callee, protocol
            order by minute_number asc
            range between $target_reach preceding and current row
        ),
        baseline as (
            partition by caller_namespace, caller, callee, protocol
            order by minute_number asc
            range between $baseline_reach preceding and $baseline_gap preceding
        )
)

select
    caller_namespace,
    caller,
    callee,
    callee_namespace,
    protocol,
    minute - to_minutes($target_reach) as window_start,
    minute + interval 1 minute as window_end,
    errors / samples as observed,
    wilson_lower(errors, samples, $z) as observed_lower,
    wilson_upper(errors, samples, $z) as observed_upper,
    baseline_errors / baseline_samples as expected,
    wilson_upper(baseline_errors, baseline_samples, $z) as expected_upper,
    samples::bigint as samples,
    errors::bigint as errors,
    baseline_samples::bigint as baseline_samples,
    baseline_errors::bigint as baseline_errors,
    baseline_minutes
from rolled
where
    caller is not null
    and ($since is null or minute >= $since)
    and ($until is null or minute + interval 1 minute <= $until)
    and samples >= $min_samples
    and baseline_samples >= $min_samples
    and baseline_minutes >= $min_baseline_minutes
    and wilson_lower(errors, samples, $z) > wilson_upper(baseline_errors, baseline_samples, $z)
    and errors / samples - baseline_errors / baseline_samples >= $min_difference
order by caller_namespace asc, caller asc, callee asc, protocol asc, minute asc
