-- purpose: The minute rollup with names resolved: who called whom, how often, how it ended and how long it took. The
--          caller's proxy (reporter source) and the callee's (destination) each count the call: use one of them.
-- kind: table
-- reads: edges_1m, log_sources, pod_addresses, declared_hosts, service_names, service_backends, name_without_port, address_ip, call_failed
-- grain: one minute, edge, reporter, protocol, code class and flags
-- params: none
with named as (
    select
        rollup.*,
        rtrim(rollup.upstream_cluster, ';') as cluster,
        log_source.namespace,
        log_source.pod,
        log_source.workload,
        log_source.kind as workload_kind
    from edges_1m as rollup
    left join log_sources as log_source
        on
            rollup.source = log_source.source
            and rollup.reporter_namespace is not distinct from log_source.stated_namespace
            and rollup.reporter_pod is not distinct from log_source.stated_pod
),

unique_addresses as (
    select
        address,
        any_value(namespace) as namespace,
        any_value(workload) as workload,
        bool_or(is_gateway) as is_gateway
    from pod_addresses
    group by address
    having count(distinct namespace || '/' || workload) = 1
),

served_hosts as (
    select
        namespace,
        pod,
        case when count(distinct host) = 1 then any_value(host) end as host
    from service_backends
    group by namespace, pod
),

sided as (
    select
        named.*,
        case when named.reporter = 'source' then named.namespace else peer.namespace end as caller_namespace,
        case when named.reporter = 'source' then named.workload else peer.workload end as caller,
        case
            when named.reporter = 'source' and named.workload_kind = 'gateway' then 'gateway'
            when named.reporter <> 'source' and peer.is_gateway then 'gateway'
            when named.reporter = 'source' and named.workload is not null then 'workload'
            when named.reporter <> 'source' and peer.workload is not null then 'workload'
            else 'unknown'
        end as caller_kind,
        case
            when named.reporter = 'source'
                then coalesce(
                    nullif(split_part(named.cluster, '|', 4), ''),
                    name_without_port(named.authority),
                    named.requested_server_name,
                    named.peer_address
                )
            else coalesce(
                case
                    when named.requested_server_name like 'outbound\_.%\_.%\_.%' escape '\'
                        then nullif(split_part(named.requested_server_name, '_.', 4), '')
                end,
                served.host
            )
        end as called_name
    from named
    left join unique_addresses as peer on named.reporter <> 'source' and named.peer_address = peer.address
    left join served_hosts as served on named.namespace = served.namespace and named.pod = served.pod
)

select
    sided.minute,
    sided.caller_namespace,
    sided.caller,
    sided.caller_kind,
    coalesce(own.host, anywhere.host, sided.called_name) as callee,
    declared.namespace as callee_namespace,
    case
        when declared.host is not null and declared.location = 'mesh' then 'service'
        when declared.host is not null then 'external'
        when sided.cluster = 'BlackHoleCluster' then 'blackhole'
        when sided.cluster = 'PassthroughCluster' then 'external'
        else 'unknown'
    end as callee_kind,
    sided.protocol,
    sided.reporter,
    sided.code_class,
    sided.response_flags,
    sided.calls,
    case
        when call_failed(
            sided.protocol,
            case sided.code_class when '5xx' then 500 when '0' then 0 end,
            sided.response_flags
        ) then sided.calls
        else 0
    end as errors,
    sided.bytes_received,
    sided.bytes_sent,
    sided.duration_ms_sum,
    sided.latency_bucket,
    sided.latency_count
from sided
left join service_names as own on sided.called_name = own.spelled and sided.caller_namespace = own.caller_namespace
left join service_names as anywhere on sided.called_name = anywhere.spelled and anywhere.caller_namespace is null
left join declared_hosts as declared on coalesce(own.host, anywhere.host, sided.called_name) = declared.host
