-- purpose: What each endpoint of a host answered: calls, failures, and calls slower than nine in ten of the host's.
--          Only hosts with two endpoints or more; a call that reached none is nobody's.
-- kind: check
-- reads: calls, asked_for
-- grain: one endpoint of one port of one host
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with reached as (
    select
        callee,
        callee_namespace,
        port,
        protocol,
        upstream_host,
        callee_pod,
        callee_pod_namespace,
        callee_workload,
        is_error,
        duration_ms,
        start_time
    from calls
    where
        upstream_host is not null
        and callee_kind = 'service'
        and asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
),

slow as (
    -- Slowness compares pods that run the same: a slow version is no bad host.
    select
        callee,
        port,
        callee_workload,
        quantile_cont(duration_ms, 0.9) as slow_ms
    from reached
    where not is_error and protocol <> 'tcp'
    group by callee, port, callee_workload
)

select
    reached.callee,
    any_value(reached.callee_namespace) as callee_namespace,
    reached.port,
    reached.callee_workload,
    reached.upstream_host,
    any_value(reached.callee_pod) as callee_pod,
    any_value(reached.callee_pod_namespace) as callee_pod_namespace,
    count(*) as calls,
    count(*) filter (where reached.is_error) as failures,
    count(*) filter (where not reached.is_error and reached.protocol <> 'tcp') as answered,
    count(*) filter (where not reached.is_error and reached.protocol <> 'tcp' and reached.duration_ms > slow.slow_ms)
        as slow,
    any_value(slow.slow_ms) as slow_ms,
    median(reached.duration_ms)::double as median_ms,
    min(reached.start_time) as first_seen,
    max(reached.start_time) as last_seen
from reached
left join slow
    on
        reached.callee = slow.callee
        and reached.port is not distinct from slow.port
        and reached.callee_workload is not distinct from slow.callee_workload
group by reached.callee, reached.port, reached.callee_workload, reached.upstream_host
having count(*) >= $minimum_samples
qualify count(*) over (partition by reached.callee, reached.port, reached.callee_workload) > 1
order by reached.callee asc, reached.port asc, reached.callee_workload asc, reached.upstream_host asc
