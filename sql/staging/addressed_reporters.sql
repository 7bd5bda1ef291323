-- purpose: Who wrote an access-log line whose source names no pod (OTLP and ALS of many proxies), by the addresses in it:
--          an inbound line by the address that was called, an outbound one by the address its proxy called from, else
--          by the gateway or client beneath it. Only pods with a proxy write lines. Two pods that may both have
--          written it: none.
-- kind: table
-- reads: access_logs, log_sources, pod_addresses, pods, address_ip
-- grain: one access-log line that is resolved
-- params: none
with holders as (
    select
        address.address,
        address.namespace,
        address.pod,
        address.is_gateway,
        -- Where only one pod ever had the address, it is that pod's at any time.
        case when address.owners = 1 then timestamptz '0001-01-01 00:00:00+00' else address.valid_from end as valid_from,
        case when address.owners > 1 then address.valid_to end as valid_to
    from pod_addresses as address
    where address.has_sidecar or address.is_gateway
),

nameless as (
    select
        line.source,
        line.source_offset,
        line.start_time,
        address_ip(line.upstream_local_address) as upstream_local,
        address_ip(line.downstream_local_address) as downstream_local,
        address_ip(line.downstream_remote_address) as downstream_remote,
        case
            when line.upstream_cluster like 'inbound|%' or line.upstream_cluster like 'InboundPassthrough%' then 'inbound'
            when
                line.upstream_cluster like 'outbound|%'
                or rtrim(line.upstream_cluster, ';') in ('PassthroughCluster', 'BlackHoleCluster')
                then 'outbound'
            when line.requested_server_name like 'outbound\_.%' escape '\' then 'inbound'
            else 'unknown'
        end as side
    from access_logs as line
    inner join log_sources as log_source
        on
            line.source = log_source.source
            and line.reporter_namespace is not distinct from log_source.stated_namespace
            and line.reporter_pod is not distinct from log_source.stated_pod
    where log_source.pod is null
),

held as (
    select
        line.source,
        line.source_offset,
        line.side,
        case
            when origin.valid_to is null or line.start_time < origin.valid_to
                then struct_pack(namespace := origin.namespace, pod := origin.pod)
        end as origin,
        case
            when called.valid_to is null or line.start_time < called.valid_to
                then struct_pack(namespace := called.namespace, pod := called.pod)
        end as called,
        case
            when client.valid_to is null or line.start_time < client.valid_to
                then struct_pack(namespace := client.namespace, pod := client.pod)
        end as client,
        called.is_gateway as called_is_gateway
    from nameless as line
    asof left join holders as origin on line.upstream_local = origin.address and line.start_time >= origin.valid_from
    asof left join holders as called on line.downstream_local = called.address and line.start_time >= called.valid_from
    asof left join holders as client on line.downstream_remote = client.address and line.start_time >= client.valid_from
),

chosen as (
    select
        source,
        source_offset,
        case
            when side = 'inbound' then called
            when side = 'outbound' and origin.pod is not null then origin
            when called_is_gateway then called
            when side = 'outbound' then case when client.pod is not null then client else called end
            when called.pod is null then client
            when client.pod is null or client = called then called
        end as reporter
    from held
)

select
    chosen.source,
    chosen.source_offset,
    pods.namespace,
    pods.pod,
    pods.workload,
    pods.pod_ip,
    pods.pod_ips,
    case when pods.is_gateway then 'gateway' else 'sidecar' end as kind
from chosen
inner join pods on chosen.reporter.namespace = pods.namespace and chosen.reporter.pod = pods.pod
