-- purpose: Latency quantiles per edge from Istio's duration histograms, interpolated inside a bucket as Prometheus'
--          histogram_quantile does (https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile);
--          a quantile in the last, unbounded bucket is the highest bound.
-- kind: table
-- reads: counter_increases
-- grain: one caller and callee name, as the labels have them
-- params: none
with buckets as (
    select
        nullif(labels['source_workload'], 'unknown') as caller,
        nullif(labels['source_workload_namespace'], 'unknown') as caller_namespace,
        nullif(labels['destination_service'], 'unknown') as callee,
        nullif(labels['destination_service_name'], 'unknown') as callee_name,
        case when lower(labels['le']) = '+inf' then 'infinity'::double else try_cast(labels['le'] as double) end as upper_bound,
        coalesce(labels['reporter'], 'source') as reporter,
        sum(increase) as cumulative
    from counter_increases
    where metric = 'istio_request_duration_milliseconds_bucket'
    group by all
),

edges as (
    select
        *,
        bool_or(reporter = 'source') over (partition by caller, caller_namespace, callee, callee_name) as has_source
    from buckets
    where upper_bound is not null and (callee is not null or callee_name is not null)
),

stepped as (
    select
        *,
        coalesce(lag(upper_bound) over bounds, 0) as lower_bound,
        coalesce(lag(cumulative) over bounds, 0) as below,
        max(cumulative) over (partition by caller, caller_namespace, callee, callee_name) as total
    from edges
    where (reporter = 'source') = has_source
    window bounds as (partition by caller, caller_namespace, callee, callee_name order by upper_bound asc)
),

quantiles as (
    select
        stepped.*,
        unnest([0.5, 0.95, 0.99]) as q
    from stepped
    where total > 0
),

interpolated as (
    select
        caller,
        caller_namespace,
        callee,
        callee_name,
        q,
        case
            when isinf(upper_bound) then lower_bound
            when cumulative = below then upper_bound
            else lower_bound + (upper_bound - lower_bound) * (q * total - below) / (cumulative - below)
        end as value
    from quantiles
    where cumulative >= q * total
    qualify row_number() over (
        partition by caller, caller_namespace, callee, callee_name, q
        order by upper_bound asc
    ) = 1
)

select
    caller,
    caller_namespace,
    callee,
    callee_name,
    max(value) filter (where q = 0.5) as p50_ms,
    max(value) filter (where q = 0.95) as p95_ms,
    max(value) filter (where q = 0.99) as p99_ms
from interpolated
group by all
