-- purpose: The service graph as Istio's standard metrics show it. The caller's proxy counts (reporter `source`); the
--          callee's count stands in where the caller reports nothing for the edge. Quantiles come from the
--          duration histograms (`metric_latencies`), where they were collected.
-- kind: table
-- reads: counter_increases, metric_latencies, declared_hosts, pods
-- grain: one caller, callee and protocol
-- params: none
with labelled as (
    select
        metric,
        increase,
        first_seen,
        last_seen,
        labels['reporter'] as reporter,
        nullif(labels['source_workload'], 'unknown') as caller,
        nullif(labels['source_workload_namespace'], 'unknown') as caller_namespace,
        nullif(coalesce(nullif(labels['destination_service'], 'unknown'), labels['destination_service_name']), 'unknown')
            as callee,
        labels['response_code'] as response_code,
        nullif(labels['response_flags'], '-') as response_flags,
        case
            when metric like 'istio\_tcp%' escape '\' then 'tcp'
            when labels['request_protocol'] = 'grpc' then 'grpc'
            else 'http'
        end as protocol,
        labels['grpc_response_status'] as grpc_status,
        try_cast(labels['le'] as double) as upper_bound
    from counter_increases
),

counted as (
    select
        caller_namespace,
        caller,
        callee,
        protocol,
        reporter,
        sum(increase) as calls,
        sum(increase) filter (
            where
            response_code in ('0', '-') or response_code >= '500' or response_flags is not null
            or coalesce(grpc_status, '0') not in ('0', '')
        ) as errors,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from labelled
    where
        metric = 'istio_requests_total'
        -- Opened and closed count the same connections; where both are there, opened is the one that is complete.
        or metric = 'istio_tcp_connections_opened_total'
        or (
            metric = 'istio_tcp_connections_closed_total'
            and not exists (
                select 1 from counter_increases as opened
                where opened.metric = 'istio_tcp_connections_opened_total'
            )
        )
    group by all
),

attributed as (
    -- Where the callee's proxy does not learn who called (TCP without metadata exchange), its count holds calls that
    -- callers' proxies count as well. Only what goes beyond those is of unknown callers.
    select
        caller_namespace,
        caller,
        callee,
        protocol,
        reporter,
        case
            when caller is not null or reporter = 'source' then calls
            else least(
                calls,
                sum(calls) filter (where reporter is distinct from 'source') over callees
                - coalesce(sum(calls) filter (where reporter = 'source') over callees, 0)
            )
        end as calls,
        errors,
        first_seen,
        last_seen
    from counted
    window callees as (partition by callee, protocol)
),

chosen as (
    select
        *,
        row_number() over () as edge
    from attributed
    where calls >= 0.5 and callee is not null
    qualify row_number() over (
        partition by caller_namespace, caller, callee, protocol
        order by reporter = 'source' desc, calls desc
    ) = 1
),

fitting_latencies as (
    -- Aggregated answers often lack the namespaces and the full service name. Where two histograms fit one edge,
    -- neither is taken.
    select
        chosen.edge,
        any_value(latency.p50_ms) as p50_ms,
        any_value(latency.p95_ms) as p95_ms,
        any_value(latency.p99_ms) as p99_ms
    from chosen
    inner join metric_latencies as latency
        on
            chosen.caller is not distinct from latency.caller
            and coalesce(latency.caller_namespace, chosen.caller_namespace) is not distinct from chosen.caller_namespace
            and (
                chosen.callee = latency.callee
                or (
                    latency.callee is null
                    and latency.callee_name in (chosen.callee, split_part(chosen.callee, '.', 1))
                )
            )
    where chosen.protocol <> 'tcp'
    group by chosen.edge
    having count(*) = 1
),

gateways as (
    select distinct
        namespace,
        workload
    from pods
    where is_gateway
)

select
    chosen.caller_namespace,
    chosen.caller,
    case
        when chosen.caller is null then 'unknown'
        when gateways.workload is not null then 'gateway'
        else 'workload'
    end as caller_kind,
    chosen.callee,
    declared.namespace as callee_namespace,
    case
        when declared.host is not null and declared.location = 'mesh' then 'service'
        when declared.host is not null then 'external'
        when chosen.callee = 'BlackHoleCluster' then 'blackhole'
        when chosen.callee = 'PassthroughCluster' then 'external'
        else 'unknown'
    end as callee_kind,
    null::integer as port,
    chosen.protocol,
    cast(round(chosen.calls) as bigint) as calls,
    cast(least(round(coalesce(chosen.errors, 0)), round(chosen.calls)) as bigint) as errors,
    latency.p50_ms,
    latency.p95_ms,
    latency.p99_ms,
    chosen.first_seen,
    chosen.last_seen
from chosen
left join declared_hosts as declared on chosen.callee = declared.host
left join gateways
    on chosen.caller_namespace = gateways.namespace and chosen.caller = gateways.workload
left join fitting_latencies as latency on chosen.edge = latency.edge
