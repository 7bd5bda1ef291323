-- purpose: Pods without a proxy that carry traffic of the mesh, by workload: calls that reached them and calls that
--          came from them.
-- kind: check
-- reads: calls, pods, asked_for
-- grain: one workload
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with outside as (
    select
        namespace,
        pod,
        workload,
        workload_kind
    from pods
    where
        not has_proxy
        -- Ambient mode has no proxy in the pod.
        and annotations['ambient.istio.io/redirection'] is distinct from 'enabled'
),

ends as (
    select
        callee_pod_namespace as namespace,
        callee_pod as pod,
        'callee' as part,
        coalesce(caller, 'unknown') as peer,
        start_time
    from calls
    where asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
    union all
    select
        caller_namespace as namespace,
        caller_pod as pod,
        'caller' as part,
        callee as peer,
        start_time
    from calls
    where asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
)

select
    outside.namespace,
    outside.workload,
    any_value(outside.workload_kind) as workload_kind,
    outside.workload as callee,
    count(*) filter (where ends.part = 'callee') as calls_to,
    count(*) filter (where ends.part = 'caller') as calls_from,
    list(distinct ends.peer order by ends.peer) as peers,
    list(distinct outside.pod order by outside.pod) as pods,
    min(ends.start_time) as first_seen,
    max(ends.start_time) as last_seen
from ends
inner join outside on ends.namespace = outside.namespace and ends.pod = outside.pod
group by outside.namespace, outside.workload
having count(*) >= $minimum_samples
order by outside.namespace asc, outside.workload asc
