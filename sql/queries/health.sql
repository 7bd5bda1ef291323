-- purpose: Calls of the newest `recent` of traffic and of the day before it, for every edge, service, workload and
--          namespace. A call that both proxies logged is one call, judged by what its caller got; retries count as
--          attempts of it. A workload and a namespace are judged by what they answered (`serves`).
-- kind: query
-- reads: calls
-- grain: one edge, service, workload or namespace
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], recent INTERVAL
with told as (
    select *
    from calls
    where
        ($since is null or start_time >= $since)
        and ($until is null or start_time < $until)
),

parted as (
    select
        *,
        start_time > max(start_time) over () - $recent as is_recent,
        start_time > max(start_time) over () - $recent - interval 24 hours as is_baseline,
        coalesce(response_code between 400 and 499, false) as is_client_error,
        -- Where the caller's proxy only passed the answer on, the callee's says why.
        coalesce(nullif(response_flags, '-'), nullif(server_response_flags, '-')) as flags,
        -- Made by a proxy, not by the application: the details say so, or no answer came at all.
        is_error
        and (
            coalesce(server_response_code_details, response_code_details, 'via_upstream') <> 'via_upstream'
            or coalesce(response_code, 0) = 0
        ) as is_proxy_made
    from told
),

levels as (
    select
        'edge' as level,
        caller_namespace,
        coalesce(caller, 'unknown') as caller,
        callee_namespace as namespace,
        callee as name,
        parted.*
    from parted
    union all
    select
        'service' as level,
        null as caller_namespace,
        null as caller,
        callee_namespace as namespace,
        callee as name,
        parted.*
    from parted
    union all
    select
        'workload' as level,
        null as caller_namespace,
        null as caller,
        callee_pod_namespace as namespace,
        callee_workload as name,
        parted.*
    from parted
    where callee_workload is not null
    union all
    select
        'namespace' as level,
        null as caller_namespace,
        null as caller,
        null as namespace,
        callee_namespace as name,
        parted.*
    from parted
    where callee_namespace is not null
)

select
    level,
    caller_namespace,
    caller,
    namespace,
    name,
    count(*) filter (where is_recent) as calls,
    count(*) filter (where is_recent and is_error) as failures,
    count(*) filter (where is_recent and is_proxy_made) as proxy_made,
    count(*) filter (where is_recent and is_client_error) as client_errors,
    count(*) filter (where is_recent and server_lines > 1) as retried,
    count(*) filter (where is_recent and reporter = 'both') as seen_by_both,
    quantile_cont(duration_ms, 0.95) filter (where is_recent and not is_error and protocol <> 'tcp') as p95_ms,
    count(*) filter (where not is_recent and is_baseline) as baseline_calls,
    count(*) filter (where not is_recent and is_baseline and is_error) as baseline_failures,
    count(*) filter (where not is_recent and is_baseline and is_client_error) as baseline_client_errors,
    quantile_cont(duration_ms, 0.95)
        filter (where not is_recent and is_baseline and not is_error and protocol <> 'tcp') as baseline_p95_ms,
    histogram(flags) filter (where is_recent and flags is not null) as flags,
    min(start_time) filter (where is_recent) as first_seen,
    max(start_time) filter (where is_recent) as last_seen
from levels
where
    len($namespaces) = 0
    or coalesce(list_contains($namespaces, caller_namespace), false)
    or coalesce(list_contains($namespaces, namespace), false)
    or (level = 'namespace' and list_contains($namespaces, name))
group by level, caller_namespace, caller, namespace, name
having count(*) filter (where is_recent) > 0
order by level asc, namespace asc, name asc, caller_namespace asc, caller asc
