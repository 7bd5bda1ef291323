-- purpose: Whom each scoped workload called. Pods are mapped to workloads by the caller ($namespaces, $pods, $workloads,
--          $starts and $splits run in parallel); calls before the workload's split and after it are counted apart for the
--          replay. The authority is kept where it is a name of the mesh ($names). Undeclared destinations are
--          whatever clients write, so only the $limit_per_workload most called of a workload keep their name;
--          the others are one row without one. `slices`: in which of 64 equal parts of the workload's window (from its
--          start to as far behind the split) there were calls.
-- kind: check
-- reads: calls, services, name_without_port
-- grain: one workload, destination, requested name, route, port and protocol
-- params: namespaces VARCHAR[], pods VARCHAR[], workloads INTEGER[], starts TIMESTAMPTZ[], splits TIMESTAMPTZ[], names VARCHAR[], limit_per_workload BIGINT
with members as (
    select
        unnest($namespaces) as namespace,
        unnest($pods) as pod,
        unnest($workloads) as workload,
        unnest($starts)::timestamptz as start_at,
        unnest($splits)::timestamptz as split_at
),

mesh_names as (
    select distinct unnest($names) as name
),

declared as (
    select distinct lower(host) as host from services
    union
    select unnest(addresses) as host from services
),

called as (
    select
        members.workload,
        lower(calls.callee) as callee,
        calls.route_kind as route,
        calls.port,
        calls.protocol,
        case when calls.reporter = 'destination' then 'callee_log' else 'caller_log' end as evidence,
        case
            when calls.authority is not null and name_without_port(calls.authority) in (select mesh_names.name from mesh_names)
                then name_without_port(calls.authority)
        end as requested,
        lower(calls.callee) in (select declared.host from declared) as is_declared,
        count(*) as calls,
        count(*) filter (where calls.start_time < members.split_at) as calls_before,
        count(*) filter (where calls.reporter = 'both') as calls_seen_by_both,
        min(calls.start_time) as first_seen,
        max(calls.start_time) as last_seen,
        list(
            distinct
            case
                when members.split_at > members.start_at
                    then greatest(least(
                        (epoch_us(calls.start_time) - epoch_us(members.start_at)) * 32
                        // (epoch_us(members.split_at) - epoch_us(members.start_at)),
                        63
                    ), 0)::integer
            end
        ) as slices
    from calls
    inner join members on calls.caller_namespace = members.namespace and calls.caller_pod = members.pod
    where calls.caller_kind = 'workload'
    group by all
),

ranked as (
    select
        *,
        dense_rank() over (partition by workload order by is_declared desc, callee_calls desc, callee asc) as place
    from (
        select
            *,
            sum(calls) over (partition by workload, callee) as callee_calls
        from called
    ) as totals
)

select
    workload,
    case when is_declared or requested is not null or place <= $limit_per_workload then callee end as callee,
    route,
    port,
    protocol,
    evidence,
    requested,
    cast(sum(calls) as bigint) as calls,
    cast(sum(calls_before) as bigint) as calls_before,
    cast(sum(calls_seen_by_both) as bigint) as calls_seen_by_both,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen,
    list_sort(list_distinct(flatten(list(slices)))) as slices
from ranked
group by all
order by workload, callee, route, port, protocol, evidence, requested
