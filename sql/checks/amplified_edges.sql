-- purpose: Edges whose callee got more attempts than its callers made calls, and what a whole path multiplies them to:
--          an attempt at a callee that calls on makes that callee's calls anew. Only calls count of which the callee's
--          proxy logged at least one attempt.
-- kind: check
-- reads: calls, asked_for
-- grain: one edge of workloads
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with recursive edges as (
    select
        caller_namespace,
        caller,
        callee,
        any_value(callee_namespace) as callee_namespace,
        any_value(callee_workload) as callee_workload,
        any_value(callee_pod_namespace) as callee_pod_namespace,
        count(*) as calls,
        sum(server_lines)::bigint as attempts,
        count(*) filter (where server_lines > 1) as retried,
        count(*) filter (where is_error) as failures,
        min(start_time) as first_seen,
        max(start_time) as last_seen
    from calls
    where
        reporter = 'both'
        and caller is not null
        and asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
    group by caller_namespace, caller, callee
    having count(*) >= $minimum_samples
),

amplified as (
    select
        *,
        attempts / calls as amplification
    from edges
    where attempts >= 1.05 * calls
),

paths as (
    select
        caller_namespace as last_namespace,
        caller as last_caller,
        callee as last_callee,
        callee_pod_namespace,
        callee_workload,
        amplification as product,
        [caller || ' -> ' || callee] as path
    from amplified
    union all
    select
        amplified.caller_namespace,
        amplified.caller,
        amplified.callee,
        amplified.callee_pod_namespace,
        amplified.callee_workload,
        paths.product * amplified.amplification as product,
        list_append(paths.path, amplified.caller || ' -> ' || amplified.callee) as path
    from paths
    inner join amplified
        on
            paths.callee_workload = amplified.caller
            and paths.callee_pod_namespace is not distinct from amplified.caller_namespace
    -- Eight hops are a deep mesh; an edge met again is a circle.
    where len(paths.path) < 8 and not list_contains(paths.path, amplified.caller || ' -> ' || amplified.callee)
),

worst_paths as (
    select
        last_namespace,
        last_caller,
        last_callee,
        max(product) as product,
        arg_max(path, product) as path
    from paths
    group by last_namespace, last_caller, last_callee
)

select
    amplified.caller_namespace,
    amplified.caller,
    amplified.callee,
    amplified.callee_namespace,
    amplified.calls,
    amplified.attempts,
    amplified.retried,
    amplified.failures,
    amplified.amplification,
    worst_paths.product,
    worst_paths.path,
    amplified.first_seen,
    amplified.last_seen
from amplified
inner join worst_paths
    on
        amplified.caller_namespace is not distinct from worst_paths.last_namespace
        and amplified.caller = worst_paths.last_caller
        and amplified.callee = worst_paths.last_callee
where worst_paths.product >= 1.5
order by worst_paths.product desc, amplified.caller asc, amplified.callee asc
