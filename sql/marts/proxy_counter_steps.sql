-- purpose: Growth of Envoy's own cluster counters that tell of trouble, scrape by scrape, where they grew. A fall is a
--          restart: the new value is all growth. A series that its proxy did not have at an earlier scrape began at
--          zero (`is_new`: true unless it was collected over a shorter time than the rest). The growth before a
--          proxy's first scrape cannot be dated and is left out.
-- kind: table
-- reads: metric_samples
-- grain: one sample that is above the one before it
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
            'envoy_cluster_upstream_rq_retry', 'envoy_cluster_upstream_rq_retry_success',
            'envoy_cluster_upstream_rq_retry_limit_exceeded', 'envoy_cluster_upstream_rq_retry_overflow',
            'envoy_cluster_upstream_cx_connect_fail', 'envoy_cluster_upstream_cx_connect_timeout',
            'envoy_cluster_upstream_rq_pending_overflow', 'envoy_cluster_upstream_rq_timeout',
            'envoy_cluster_upstream_rq_per_try_timeout', 'envoy_cluster_upstream_rq_rx_reset',
            'envoy_cluster_upstream_cx_destroy_remote_with_active_rq', 'envoy_cluster_ssl_connection_error'
        )
        and not isnan(value)
),

-- When a proxy was scraped at all. A series that was not there at the scrape before it began at zero.
scrape_times as (
    select distinct
        labels['namespace'] as namespace,
        labels['pod'] as pod,
        labels['instance'] as instance,
        time
    from metric_samples
    where metric like 'envoy\_%' escape '\' or metric = 'up'
),

scrapes as (
    select
        *,
        lag(time) over (partition by namespace, pod, instance order by time asc) as previous_time
    from scrape_times
),

steps as (
    select
        *,
        lag(value) over series as previous,
        lag(time) over series as previous_time
    from samples
    window series as (partition by metric, labels order by time asc)
),

grown as (
    select
        steps.metric,
        steps.labels,
        steps.previous is null as is_new,
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
            and steps.labels['namespace'] is not distinct from scrapes.namespace
            and steps.labels['pod'] is not distinct from scrapes.pod
            and steps.labels['instance'] is not distinct from scrapes.instance
)

select
    metric,
    coalesce(labels['namespace'], labels['kubernetes_namespace']) as namespace,
    coalesce(labels['pod'], labels['kubernetes_pod_name'], labels['pod_name']) as pod,
    rtrim(coalesce(labels['cluster_name'], labels['envoy_cluster_name']), ';') as upstream_cluster,
    case
        when coalesce(labels['cluster_name'], labels['envoy_cluster_name']) like 'outbound|%'
            then nullif(rtrim(split_part(coalesce(labels['cluster_name'], labels['envoy_cluster_name']), '|', 4), ';'), '')
    end as callee,
    is_new,
    since,
    time,
    increase
from grown
where increase > 0 and since is not null
