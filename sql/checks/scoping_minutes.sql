-- purpose: Whom each scoped workload called, by the minute rollup: what `scoping_observed` says where lines are gone. Pods
--          are mapped to workloads by the caller ($namespaces, $pods and $workloads run in parallel). The rollup keeps no
--          authority where the cluster names the destination, and no time below a minute; calls seen by both sides are not
--          matched, so of the callees' counts only those of callers without a count of their own stay. Undeclared
--          destinations keep their name for the $limit_per_workload most called of a workload.
-- kind: check
-- reads: rollup_edges, log_sources, pod_addresses, services, service_names, service_backends, name_without_port
-- grain: one workload, destination, route, port, protocol and evidence
-- params: namespaces VARCHAR[], pods VARCHAR[], workloads INTEGER[], limit_per_workload BIGINT
with members as (
    select
        unnest($namespaces) as namespace,
        unnest($pods) as pod,
        unnest($workloads) as workload
),

declared as (
    select distinct lower(host) as host from services
    union
    select unnest(addresses) as host from services
),

unique_addresses as (
    select
        address,
        any_value(namespace) as namespace,
        any_value(pod) as pod
    from pod_addresses
    group by address
    having count(*) = 1
),

served_hosts as (
    select
        namespace,
        pod,
        case when count(distinct host) = 1 then any_value(host) end as host
    from service_backends
    group by namespace, pod
),

written as (
    select
        rollup.*,
        rtrim(rollup.upstream_cluster, ';') as cluster,
        log_source.namespace,
        log_source.pod
    from rollup_edges as rollup
    inner join log_sources as log_source
        on
            rollup.source = log_source.source
            and rollup.reporter_namespace is not distinct from log_source.stated_namespace
            and rollup.reporter_pod is not distinct from log_source.stated_pod
),

sided as (
    select
        coalesce(own.workload, peer_member.workload) as workload,
        case when written.reporter = 'source' then 'caller_log' else 'callee_log' end as evidence,
        case
            when written.reporter <> 'source' then 'registry'
            when written.cluster = 'BlackHoleCluster' then 'blackhole'
            when written.cluster = 'PassthroughCluster' then 'passthrough'
            when written.cluster like '%|%|%|%' then 'registry'
            else 'none'
        end as route,
        case when written.reporter = 'source' then own.namespace else peer_member.namespace end as caller_namespace,
        try_cast(nullif(split_part(written.cluster, '|', 2), '') as integer) as port,
        case
            when written.reporter = 'source'
                then coalesce(
                    case when written.cluster like '%|%|%|%' then nullif(split_part(written.cluster, '|', 4), '') end,
                    name_without_port(written.authority),
                    written.requested_server_name,
                    written.peer_address
                )
            else coalesce(
                case
                    when written.requested_server_name like 'outbound\_.%\_.%\_.%' escape '\'
                        then nullif(split_part(written.requested_server_name, '_.', 4), '')
                end,
                served.host
            )
        end as called_name,
        written.protocol,
        written.calls,
        written.calls_before,
        written.first_minute,
        written.last_minute,
        written.slice_bits
    from written
    left join members as own
        on written.reporter = 'source' and written.namespace = own.namespace and written.pod = own.pod
    left join unique_addresses as peer on written.reporter <> 'source' and written.peer_address = peer.address
    left join members as peer_member on peer.namespace = peer_member.namespace and peer.pod = peer_member.pod
    left join served_hosts as served on written.namespace = served.namespace and written.pod = served.pod
),

called as (
    select
        sided.workload,
        lower(coalesce(near.host, anywhere.host, sided.called_name)) as callee,
        sided.route,
        sided.port,
        sided.protocol,
        sided.evidence,
        lower(coalesce(near.host, anywhere.host, sided.called_name)) in (select declared.host from declared) as is_declared,
        sum(sided.calls)::bigint as calls,
        sum(sided.calls_before)::bigint as calls_before,
        min(sided.first_minute) as first_seen,
        max(sided.last_minute) as last_seen,
        bit_or(sided.slice_bits) as slice_bits
    from sided
    left join service_names as near
        on sided.called_name = near.spelled and sided.caller_namespace = near.caller_namespace
    left join service_names as anywhere on sided.called_name = anywhere.spelled and anywhere.caller_namespace is null
    where sided.workload is not null
    group by all
),

-- Both sides count a call; the callee's count stays only where the caller has none.
kept as (
    select *
    from called
    qualify
        evidence = 'caller_log'
        or not coalesce(bool_or(evidence = 'caller_log') over (partition by workload, callee), false)
),

ranked as (
    select
        *,
        dense_rank() over (partition by workload order by is_declared desc, callee_calls desc, callee asc) as place
    from (
        select
            *,
            sum(calls) over (partition by workload, callee) as callee_calls
        from kept
    ) as totals
)

select
    workload,
    case when is_declared or place <= $limit_per_workload then callee end as callee,
    route,
    port,
    protocol,
    evidence,
    sum(calls)::bigint as calls,
    sum(calls_before)::bigint as calls_before,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen,
    list_filter(range(64), lambda slice: (bit_or(slice_bits) >> slice::utinyint) & 1 = 1) as slices
from ranked
group by all
order by workload, callee, route, port, protocol, evidence
