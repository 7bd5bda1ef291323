-- purpose: Access-log lines with the proxy that wrote them, which side of the call it was, and the cluster name in
--          parts. The proxy is what the record or its path says, else what the line's addresses say. The side comes from the cluster; without one (no route, no filter chain) from the server name that
--          only a peer sidecar sends, then from the addresses.
-- kind: view
-- reads: access_logs, duplicates, log_sources, addressed_reporters, address_ip, address_port
-- grain: one access-log line
-- params: none
with named as (
    select
        line.* exclude (reporter_namespace, reporter_pod, cluster),
        line.cluster as mesh_cluster,
        log_source.source_number,
        coalesce(log_source.namespace, addressed.namespace) as reporter_namespace,
        coalesce(log_source.pod, addressed.pod) as reporter_pod,
        coalesce(log_source.workload, addressed.workload) as reporter_workload,
        coalesce(log_source.pod_ip, addressed.pod_ip) as reporter_ip,
        coalesce(log_source.pod_ips, addressed.pod_ips) as reporter_ips,
        coalesce(addressed.kind, log_source.kind, 'unknown') as reporter_kind,
        rtrim(line.upstream_cluster, ';') as cluster
    from access_logs as line
    -- A record that came by two paths counts once.
    anti join duplicates as copy
        on line.source = copy.source and line.source_offset = copy.source_offset and line.start_time = copy.start_time
    left join log_sources as log_source
        on
            line.source = log_source.source
            and line.reporter_namespace is not distinct from log_source.stated_namespace
            and line.reporter_pod is not distinct from log_source.stated_pod
    left join addressed_reporters as addressed
        on line.source = addressed.source and line.source_offset = addressed.source_offset
)

select
    *,
    -- A number for each line without counting them. A rotated file goes on under its name from offset 0, so that source
    -- and offset alone would be two lines' numbers.
    (hash(source_number, source_offset, start_time) >> 1)::bigint as line,
    start_time + to_milliseconds(coalesce(duration_ms, 0)) as end_time,
    case
        when cluster like 'inbound|%' or cluster like 'InboundPassthrough%' then 'inbound'
        when cluster like 'outbound|%' or cluster in ('PassthroughCluster', 'BlackHoleCluster') then 'outbound'
        -- A request that a gateway could not read never became a call of its own.
        when reporter_kind = 'gateway' and cluster is null and authority is null and response_code between 400 and 499
            then 'inbound'
        when reporter_kind = 'gateway' then 'outbound'
        when requested_server_name like 'outbound\_.%' escape '\' then 'inbound'
        when list_contains(reporter_ips, address_ip(downstream_remote_address)) then 'outbound'
        when address_ip(downstream_local_address) = reporter_ip then 'inbound'
        when reporter_ip is not null then 'outbound'
        else 'unknown'
    end as side,
    case when cluster like '%|%|%|%' then split_part(cluster, '|', 1) end as cluster_direction,
    case when cluster like '%|%|%|%' then try_cast(split_part(cluster, '|', 2) as integer) end as cluster_port,
    case when cluster like '%|%|%|%' then nullif(split_part(cluster, '|', 3), '') end as cluster_subset,
    case when cluster like '%|%|%|%' then nullif(split_part(cluster, '|', 4), '') end as cluster_host,
    -- `outbound_.9080_.v2_.reviews.default.svc.cluster.local`: the hop as the calling sidecar named it.
    case
        when requested_server_name like 'outbound\_.%\_.%\_.%' escape '\'
            then nullif(split_part(requested_server_name, '_.', 4), '')
    end as server_name_host,
    case
        when requested_server_name like 'outbound\_.%\_.%\_.%' escape '\'
            then try_cast(split_part(requested_server_name, '_.', 2) as integer)
    end as server_name_port,
    case
        when method is not null or protocol is not null or coalesce(response_code, 0) > 0 then 'http'
        else 'tcp'
    end as transport
from named
