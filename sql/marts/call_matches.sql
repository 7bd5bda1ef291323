-- purpose: Which inbound line belongs to which outbound line. An inbound line belongs to the outbound line with the same
--          request id, the same hop (the host in the server name, else a host that the writing pod serves) and a
--          fitting time; among several the one with the same connection, then the nearest. One request id spans a
--          whole chain of calls, and a retried call has several inbound lines. TCP lines have no request id: the
--          connection's two addresses match.
-- kind: table
-- reads: log_lines, service_backends
-- grain: one inbound line that has an outbound line
-- params: none
with outbound as (
    select * from log_lines
    where side = 'outbound'
),

-- The hosts an inbound line may have been called by: the server name says so, else every host the pod serves.
inbound_hops as (
    select
        line,
        server_name_host as host
    from log_lines
    where side = 'inbound' and server_name_host is not null
    union all
    select
        log_lines.line,
        backend.host
    from log_lines
    inner join service_backends as backend
        on log_lines.reporter_namespace = backend.namespace and log_lines.reporter_pod = backend.pod
    where log_lines.side = 'inbound' and log_lines.server_name_host is null
),

pairs as (
    -- HTTP with a request id.
    select
        inbound.line as inbound_line,
        client.line as outbound_line,
        coalesce(client.upstream_local_address = inbound.downstream_remote_address, false) as same_connection,
        abs(epoch_ms(inbound.start_time) - epoch_ms(client.start_time)) as apart_ms
    from log_lines as inbound
    inner join inbound_hops as hop on inbound.line = hop.line
    inner join outbound as client on inbound.request_id = client.request_id and hop.host = client.cluster_host
    where
        inbound.side = 'inbound'
        -- A second of slack: two clocks, and start times are whole milliseconds.
        and inbound.start_time >= client.start_time - interval 1 second
        and inbound.start_time <= client.end_time + interval 1 second
    union all
    -- The same connection: TCP, HTTP without a request id, and hops without a known host.
    select
        inbound.line as inbound_line,
        client.line as outbound_line,
        true as same_connection,
        abs(epoch_ms(inbound.start_time) - epoch_ms(client.start_time)) as apart_ms
    from log_lines as inbound
    inner join outbound as client
        on
            inbound.downstream_remote_address = client.upstream_local_address
            and inbound.downstream_local_address = client.upstream_host
            and inbound.request_id is not distinct from client.request_id
    where
        inbound.side = 'inbound'
        and inbound.start_time >= client.start_time - interval 1 second
        and inbound.start_time <= client.end_time + interval 1 second
)

select
    inbound_line,
    outbound_line
from pairs
qualify row_number() over (
    partition by inbound_line
    order by same_connection desc, apart_ms asc, outbound_line asc
) = 1
