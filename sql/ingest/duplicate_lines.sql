-- purpose: Access-log lines that another source holds, too: the same start (to the millisecond, which every form has),
--          the same connection, request id and cluster. The n-th such line of one source is the n-th of another, so that
--          what one source has twice stays two requests. Nothing is a copy where the records contradict each other (pod,
--          method, path, code), or where the client's port is unknown and no request id stands in for it. A line that
--          names its pod is kept before one that does not, an earlier one before one of this run.
-- kind: query
-- reads: access_logs, duplicates
-- grain: one line that is a copy
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, minutes TIMESTAMPTZ[], new_sources VARCHAR[]
with shared as (
    select unnest($minutes) as minute
),

lines as (
    select
        line.source,
        line.source_offset,
        line.reporter_namespace,
        line.reporter_pod,
        line.start_time,
        line.method,
        line.path,
        line.protocol,
        line.response_code,
        line.response_flags,
        line.bytes_received,
        line.bytes_sent,
        line.duration_ms,
        line.authority,
        line.request_id,
        line.upstream_host,
        line.upstream_cluster,
        line.downstream_remote_address,
        line.requested_server_name,
        epoch_ms(line.start_time) as start_ms,
        coalesce(rtrim(line.upstream_cluster, ';'), '') as cluster_key,
        coalesce(line.request_id, '') as request_key
    from access_logs as line
    semi join shared on date_trunc('minute', line.start_time) = shared.minute
    anti join duplicates as known
        on line.source = known.source and line.source_offset = known.source_offset
    where
        line.date >= ($since at time zone 'UTC')::date
        and line.date <= ($until at time zone 'UTC')::date
        and line.start_time >= $since
        and line.start_time < $until + interval 1 minute
        and line.downstream_remote_address is not null
        and (line.request_id is not null or line.downstream_remote_address not like '%:0')
),

numbered as (
    select
        *,
        row_number() over (
            partition by start_ms, downstream_remote_address, cluster_key, request_key, source
            order by source_offset asc
        ) as occurrence
    from lines
),

ranked as (
    select
        *,
        row_number() over ranking as position,
        first_value(source) over ranking as kept_source,
        first_value(source_offset) over ranking as kept_source_offset,
        count(distinct coalesce(reporter_namespace, '') || '/' || reporter_pod) over copies as pods,
        count(distinct method) over copies as methods,
        count(distinct path) over copies as paths,
        count(distinct response_code) over copies as codes
    from numbered
    window
        copies as (partition by start_ms, downstream_remote_address, cluster_key, request_key, occurrence),
        ranking as (
            partition by start_ms, downstream_remote_address, cluster_key, request_key, occurrence
            order by reporter_pod is null asc, list_contains($new_sources, source) asc, source asc, source_offset asc
        )
)

select * exclude (start_ms, cluster_key, request_key, occurrence, position, pods, methods, paths, codes)
from ranked
where position > 1 and pods <= 1 and methods <= 1 and paths <= 1 and codes <= 1
