-- purpose: TCP connections that carried bytes, as Istio's byte counters show them. A proxy writes a line for a
--          connection when it closes: one that stays open for weeks is in no log, and counts as opened in no window.
-- kind: check
-- reads: metric_samples
-- grain: one caller and called service
-- params: none
with samples as (
    select distinct
        labels,
        time,
        value
    from metric_samples
    where
        metric in ('istio_tcp_sent_bytes_total', 'istio_tcp_received_bytes_total')
        and labels['reporter'] = 'source'
        and not isnan(value)
),

steps as (
    select
        *,
        lag(value) over (partition by labels order by time asc) as previous
    from samples
)

select
    labels['source_workload_namespace'] as caller_namespace,
    labels['source_workload'] as caller,
    lower(coalesce(nullif(labels['destination_service'], 'unknown'), labels['destination_service_name'])) as callee,
    sum(value - previous)::bigint as bytes,
    min(time) as first_seen,
    max(time) as last_seen
from steps
where value > previous and labels['source_workload'] is not null
group by all
order by caller_namespace asc, caller asc, callee asc
