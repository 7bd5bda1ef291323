-- purpose: One row per edge and minute: the caller's proxy counts; the callee's stands in for a minute in which the
--          caller's proxy wrote nothing. The latency histogram is merged over codes and pods.
-- kind: table
-- reads: edges_minute
-- grain: one minute, caller, callee and protocol
-- params: none
with standing as (
    -- Copies of records are taken out by negative counts; nothing may be left of an edge that only copies showed.
    select *
    from edges_minute
    qualify sum(calls) over (partition by minute, caller_namespace, caller, callee, protocol, reporter) > 0
),

preferred as (
    select *
    from standing
    qualify
        (reporter = 'source')
        = bool_or(reporter = 'source') over (partition by minute, caller_namespace, caller, callee, protocol)
),

totals as (
    select
        minute,
        caller_namespace,
        caller,
        callee,
        protocol,
        any_value(caller_kind) as caller_kind,
        any_value(callee_namespace) as callee_namespace,
        any_value(callee_kind) as callee_kind,
        sum(calls)::bigint as calls,
        sum(errors)::bigint as errors,
        sum(duration_ms_sum)::bigint as duration_ms_sum
    from preferred
    group by minute, caller_namespace, caller, callee, protocol
),

bucketed as (
    select
        minute,
        caller_namespace,
        caller,
        callee,
        protocol,
        unnest(latency_bucket) as bucket,
        unnest(latency_count) as bucket_count
    from preferred
),

merged_buckets as (
    select
        minute,
        caller_namespace,
        caller,
        callee,
        protocol,
        bucket,
        sum(bucket_count)::bigint as bucket_count
    from bucketed
    group by all
    having sum(bucket_count) > 0
),

histograms as (
    select
        minute,
        caller_namespace,
        caller,
        callee,
        protocol,
        list(bucket order by bucket asc) as latency_bucket,
        list(bucket_count order by bucket asc) as latency_count
    from merged_buckets
    group by all
)

select
    totals.*,
    coalesce(histograms.latency_bucket, []) as latency_bucket,
    coalesce(histograms.latency_count, []) as latency_count
from totals
left join histograms
    on
        totals.minute = histograms.minute
        and totals.caller_namespace is not distinct from histograms.caller_namespace
        and totals.caller is not distinct from histograms.caller
        and totals.callee is not distinct from histograms.callee
        and totals.protocol = histograms.protocol
