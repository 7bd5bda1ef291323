-- purpose: Growth of `istio_requests_total` by gRPC status, scrape by scrape, as the callers' proxies counted it. A fall is
--          a restart; a series that was not there at the proxy's scrape before began at zero. The growth before a
--          proxy's first scrape cannot be dated and is left out.
-- kind: table
-- reads: metric_samples
-- grain: one sample that is above the one before it
-- params: none
with samples as (
    -- The same sample read twice (overlapping ranges) is one.
    select distinct
        labels,
        time,
        value
    from metric_samples
    where metric = 'istio_requests_total' and labels['reporter'] = 'source' and not isnan(value)
),

scrape_times as (
    select distinct
        labels['pod'] as pod,
        labels['instance'] as instance,
        time
    from samples
),

scrapes as (
    select
        *,
        lag(time) over (partition by pod, instance order by time asc) as previous_time
    from scrape_times
),

steps as (
    select
        *,
        lag(value) over series as previous,
        lag(time) over series as previous_time
    from samples
    where try_cast(labels['grpc_response_status'] as integer) is not null
    window series as (partition by labels order by time asc)
)

select
    steps.labels['source_workload_namespace'] as caller_namespace,
    steps.labels['source_workload'] as caller,
    steps.labels['destination_service'] as callee,
    try_cast(steps.labels['grpc_response_status'] as integer) as grpc_status,
    coalesce(steps.previous_time, scrapes.previous_time) as since,
    steps.time,
    case
        when steps.previous is null or steps.value < steps.previous then steps.value
        else steps.value - steps.previous
    end as increase
from steps
left join scrapes
    on
        steps.time = scrapes.time
        and steps.labels['pod'] is not distinct from scrapes.pod
        and steps.labels['instance'] is not distinct from scrapes.instance
where
    coalesce(steps.previous_time, scrapes.previous_time) is not null
    and steps.value is distinct from steps.previous
    and steps.value > 0
