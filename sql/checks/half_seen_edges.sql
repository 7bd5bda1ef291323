-- purpose: Edges of which one side's proxy logs far less than the other's, though both ends have a proxy.
-- kind: check
-- reads: calls, pods, asked_for
-- grain: one edge
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with proxied as (
    select
        calls.*,
        coalesce(caller_pods.has_proxy, false) as caller_has_proxy,
        coalesce(callee_pods.has_proxy, false) as callee_has_proxy
    from calls
    left join pods as caller_pods
        on calls.caller_namespace = caller_pods.namespace and calls.caller_pod = caller_pods.pod
    left join pods as callee_pods
        on calls.callee_pod_namespace = callee_pods.namespace and calls.callee_pod = callee_pods.pod
    where
        -- A call that failed on its way was never the callee's to log.
        not calls.is_error
        and asked_for(
            calls.start_time, calls.caller_namespace, calls.callee_namespace, $since, $until, $namespaces
        )
),

edges as (
    select
        caller_namespace,
        coalesce(caller, 'unknown') as caller,
        callee,
        any_value(callee_namespace) as callee_namespace,
        any_value(callee_workload) as callee_workload,
        count(*) filter (where reporter = 'both') as by_both,
        count(*) filter (where reporter = 'source' and callee_has_proxy) as by_caller_alone,
        count(*) filter (where reporter = 'destination' and caller_has_proxy) as by_callee_alone,
        min(start_time) as first_seen,
        max(start_time) as last_seen
    from proxied
    group by caller_namespace, coalesce(caller, 'unknown'), callee
)

select
    *,
    by_both + by_caller_alone + by_callee_alone as calls,
    case when by_caller_alone >= by_callee_alone then 'callee' else 'caller' end as silent_side
from edges
where
    by_both + by_caller_alone + by_callee_alone >= $minimum_samples
    and (by_caller_alone + by_callee_alone) * 20 > by_both + by_caller_alone + by_callee_alone
order by by_caller_alone + by_callee_alone desc, caller asc, callee asc
