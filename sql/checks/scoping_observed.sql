-- purpose: Whom each scoped workload called. Pods are mapped to workloads by the caller ($namespaces, $pods, $workloads,
--          $starts and $splits run in parallel); calls before the workload's split and after it are counted apart for the
--          replay. The authority is kept where it is a name of the mesh ($names) or ends like one of its wildcards
--          ($suffixes, with their dot); of the latter, what is not among the 20 most called of a workload stands as the
--          wildcard. Undeclared destinations are
--          whatever clients write, so only the $limit_per_workload most called of a workload keep their name;
--          the others are one row without one. `slices`: in which of 64 equal parts of the workload's window (from its
--          start to as far behind the split) there were calls. Where the address of a pod was dialled, `dialled_pod` is who
--          had it then, and `dialled_owners` how many pods ever had it.
-- kind: check
-- reads: calls, services, pod_addresses, name_without_port
-- grain: one workload, destination, requested name, route, port and protocol
-- params: namespaces VARCHAR[], pods VARCHAR[], workloads INTEGER[], starts TIMESTAMPTZ[], splits TIMESTAMPTZ[], names VARCHAR[], suffixes VARCHAR[], limit_per_workload BIGINT
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

owned as (
    select
        address,
        any_value(owners) as owners
    from pod_addresses
    group by address
),

spoken_calls as (
    select
        *,
        name_without_port(authority) as spoken,
        coalesce(name_without_port(authority) in (select mesh_names.name from mesh_names), false) as is_name
    from calls
    where caller_kind = 'workload'
),

called as (
    select
        members.workload,
        lower(calls.callee) as callee,
        calls.route_kind as route,
        calls.port,
        calls.protocol,
        case when calls.reporter = 'destination' then 'callee_log' else 'caller_log' end as evidence,
        case when calls.is_name then calls.spoken end as named,
        -- Clients write what they like into an authority: only what can be a host counts.
        case
            when not calls.is_name and regexp_full_match(calls.spoken, '[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?')
                then list_filter($suffixes::varchar[], lambda tail: ends_with(calls.spoken, tail))[1]
        end as suffix,
        case when suffix is not null then calls.spoken end as below_wildcard,
        lower(calls.callee) in (select declared.host from declared) as is_declared,
        case when owned.owners is not null then calls.callee_pod_namespace end as dialled_namespace,
        case when owned.owners is not null then calls.callee_pod end as dialled_pod,
        owned.owners as dialled_owners,
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
    from spoken_calls as calls
    inner join members on calls.caller_namespace = members.namespace and calls.caller_pod = members.pod
    left join owned on calls.callee = owned.address
    group by all
),

ranked as (
    select
        *,
        dense_rank() over (partition by workload order by is_declared desc, callee_calls desc, callee asc) as place,
        coalesce(
            named,
            case
                when
                    dense_rank() over (partition by workload order by wildcard_calls desc, below_wildcard asc) <= 20
                    then below_wildcard
                else '*' || suffix
            end
        ) as requested
    from (
        select
            *,
            sum(calls) over (partition by workload, callee) as callee_calls,
            case when suffix is null then 0 else sum(calls) over (partition by workload, below_wildcard) end as wildcard_calls
        from called
    ) as totals
)

select
    workload,
    case when is_declared or requested is not null or dialled_pod is not null or place <= $limit_per_workload then callee end as callee,
    route,
    port,
    protocol,
    evidence,
    requested,
    dialled_namespace,
    dialled_pod,
    dialled_owners,
    cast(sum(calls) as bigint) as calls,
    cast(sum(calls_before) as bigint) as calls_before,
    cast(sum(calls_seen_by_both) as bigint) as calls_seen_by_both,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen,
    list_sort(list_distinct(flatten(list(slices)))) as slices
from ranked
group by all
order by workload, callee, route, port, protocol, evidence, requested
