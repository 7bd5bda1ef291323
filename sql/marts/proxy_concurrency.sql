-- purpose: How many calls each calling pod had under way to a host at once: the most, and the 99th percentile over the
--          calls' beginnings. Envoy's limits of a DestinationRule hold for one proxy, so they compare with these.
-- kind: table
-- reads: calls
-- grain: one calling pod and host
-- params: none
with moments as (
    select
        caller_namespace,
        caller,
        caller_pod,
        callee,
        start_time as moment,
        1 as step
    from calls
    where caller_pod is not null and reporter in ('source', 'both')
    union all
    select
        caller_namespace,
        caller,
        caller_pod,
        callee,
        end_time as moment,
        -1 as step
    from calls
    where caller_pod is not null and reporter in ('source', 'both')
),

running as (
    select
        *,
        -- A call that ends as another begins makes room for it.
        sum(step) over (
            partition by caller_namespace, caller_pod, callee
            order by moment asc, step asc
            rows between unbounded preceding and current row
        ) as under_way
    from moments
)

select
    caller_namespace,
    any_value(caller) as caller,
    caller_pod,
    callee,
    count(*) filter (where step = 1) as calls,
    max(under_way)::bigint as most,
    quantile_cont(under_way, 0.99) filter (where step = 1) as p99,
    min(moment) as first_seen,
    max(moment) as last_seen
from running
group by caller_namespace, caller_pod, callee
