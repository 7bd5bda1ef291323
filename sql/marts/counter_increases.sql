-- purpose: How much each counter series of Istio's standard metrics grew over what was ingested. A fall is a restart: the
--          new value is all growth. A series that appears after others of its metric began starts from zero.
-- kind: table
-- reads: metric_samples
-- grain: one series
-- params: none
with samples as (
    -- The same sample read twice (overlapping ranges) is one.
    select distinct
        metric,
        labels,
        time,
        value
    from metric_samples
    where
        metric in (
            'istio_requests_total', 'istio_tcp_connections_opened_total', 'istio_tcp_connections_closed_total',
            'istio_request_duration_milliseconds_bucket'
        )
        and not isnan(value)
),

steps as (
    select
        metric,
        labels,
        time,
        value,
        lag(value) over (partition by metric, labels order by time asc) as previous,
        min(time) over (partition by metric) as metric_start
    from samples
)

select
    metric,
    labels,
    sum(
        case
            when previous is null and time > metric_start then value
            when previous is null then 0
            when value < previous then value
            else value - previous
        end
    ) as increase,
    min(time) as first_seen,
    max(time) as last_seen
from steps
group by metric, labels
