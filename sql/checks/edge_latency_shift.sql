-- purpose: Minutes in which an edge was slower than in its own recent past. Expected is the median of the baseline
--          minutes' 95th percentiles (a median shrugs off an incident inside the baseline). Of the window's calls 5 %
--          should lie above it; the check wants the lower confidence bound of the share that does to exceed
--          `min_share`, and the window's own 95th percentile to be `min_ratio` times and `min_rise_ms` above it.
--          Reaches are in minutes back from the window's last minute: the window is 0 to target_reach, the baseline
--          baseline_gap to baseline_reach.
-- kind: check
-- reads: edge_minutes, wilson_lower, wilson_upper, histogram_bucket, histogram_quantile
-- grain: one edge and window end
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, target_reach BIGINT, baseline_reach BIGINT, baseline_gap BIGINT, min_samples BIGINT, min_baseline_minutes BIGINT, z DOUBLE, min_share DOUBLE, min_ratio DOUBLE, min_rise_ms DOUBLE
with measured as (
    select
        *,
        epoch(minute)::bigint // 60 as minute_number,
        case when calls >= 5 then latency_quantile(latency_bucket, latency_count, 0.95) end as p95_ms
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
        flatten(list(latency_bucket) over target) as buckets,
        flatten(list(latency_count) over target) as counts,
        sum(calls) over baseline as baseline_samples,
        median(p95_ms) over baseline as expected,
        max(p95_ms) over baseline as expected_upper,
        count(p95_ms) over baseline as baseline_minutes
    from measured
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
),

compared as (
    select
        *,
        latency_quantile(buckets, counts, 0.95) as observed,
        -- Order statistics: the rank of the 95th percentile is binomial.
        latency_quantile(buckets, counts, greatest(0.0, 0.95 - $z * sqrt(0.95 * 0.05 / samples))) as observed_lower,
        latency_quantile(buckets, counts, least(1.0, 0.95 + $z * sqrt(0.95 * 0.05 / samples))) as observed_upper,
        coalesce(
            list_sum(
                list_transform(
                    list_filter(list_zip(buckets, counts), lambda pair: pair[1] > latency_bucket(expected)),
                    lambda pair: pair[2]
                )
            ),
            0
        ) as slower
    from rolled
    where
        caller is not null
        and ($since is null or minute >= $since)
        and ($until is null or minute + interval 1 minute <= $until)
        and samples >= $min_samples
        and baseline_samples >= $min_samples
        and baseline_minutes >= $min_baseline_minutes
)

select
    caller_namespace,
    caller,
    callee,
    callee_namespace,
    protocol,
    minute - to_minutes($target_reach) as window_start,
    minute + interval 1 minute as window_end,
    observed,
    observed_lower,
    observed_upper,
    expected,
    expected_upper,
    slower / samples as share_slower,
    wilson_lower(slower, samples, $z) as share_slower_lower,
    wilson_upper(slower, samples, $z) as share_slower_upper,
    slower::bigint as slower,
    samples::bigint as samples,
    baseline_samples::bigint as baseline_samples,
    baseline_minutes
from compared
where
    wilson_lower(slower, samples, $z) > $min_share
    and observed >= $min_ratio * expected
    and observed - expected >= $min_rise_ms
order by caller_namespace asc, caller asc, callee asc, protocol asc, minute asc
