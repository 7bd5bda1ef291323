-- purpose: Which inbound line belongs to which outbound line. An inbound line belongs to the outbound line with the same
--          request id, the same hop (the host in the server name, else a host that the writing pod serves) and a
--          fitting time; among several the one with the same connection, then the nearest. One request id spans a
--          whole chain of calls, and a retried call has several inbound lines (`is_last`: the last of `server_lines`). TCP
--          lines have no request id: the connection's two addresses match.
-- kind: table
-- reads: log_lines, service_backends
-- grain: one inbound line that has an outbound line
-- params: none
with outbound as (
    select
        line,
        request_id,
        start_time,
        end_time,
        cluster_host,
        upstream_local_address,
        upstream_host
    from log_lines
    where side = 'outbound'
),

inbound as (
    select
        line,
        request_id,
        start_time,
        server_name_host,
        reporter_namespace,
        reporter_pod,
        downstream_remote_address,
        downstream_local_address
    from log_lines
    where side = 'inbound'
),

by_request as (
    -- HTTP with a request id, and the host that the server name says.
    select
        inbound.line as inbound_line,
        inbound.start_time,
        client.line as outbound_line,
        coalesce(client.upstream_local_address = inbound.downstream_remote_address, false) as same_connection,
        abs(epoch_ms(inbound.start_time) - epoch_ms(client.start_time)) as apart_ms
    from inbound
    inner join outbound as client
        on inbound.request_id = client.request_id and inbound.server_name_host = client.cluster_host
    where
        -- A second of slack: two clocks, and start times are whole milliseconds.
        inbound.start_time >= client.start_time - interval 1 second
        and inbound.start_time <= client.end_time + interval 1 second
    union all
    -- Without a server name it may be any host that the pod serves.
    select
        inbound.line as inbound_line,
        inbound.start_time,
        client.line as outbound_line,
        coalesce(client.upstream_local_address = inbound.downstream_remote_address, false) as same_connection,
        abs(epoch_ms(inbound.start_time) - epoch_ms(client.start_time)) as apart_ms
    from inbound
    inner join service_backends as backend
        on inbound.reporter_namespace = backend.namespace and inbound.reporter_pod = backend.pod
    inner join outbound as client on inbound.request_id = client.request_id and backend.host = client.cluster_host
    where
        inbound.server_name_host is null
        and inbound.start_time >= client.start_time - interval 1 second
        and inbound.start_time <= client.end_time + interval 1 second
),

by_connection as (
    -- The same connection: TCP, HTTP without a request id, and hops without a known host.
    select
        inbound.line as inbound_line,
        inbound.start_time,
        client.line as outbound_line,
        true as same_connection,
        abs(epoch_ms(inbound.start_time) - epoch_ms(client.start_time)) as apart_ms
    from inbound
    -- Most lines have their match by now, and three strings to compare make a dear join.
    anti join by_request on inbound.line = by_request.inbound_line
    inner join outbound as client
        on
            inbound.downstream_remote_address = client.upstream_local_address
            and inbound.downstream_local_address = client.upstream_host
            and inbound.request_id is not distinct from client.request_id
    where
        inbound.start_time >= client.start_time - interval 1 second
        and inbound.start_time <= client.end_time + interval 1 second
),

pairs as (
    select * from by_request
    union all
    select * from by_connection
),

-- The same connection comes first, then the nearest, then the first line: as one number, because a minimum costs a
-- fraction of a sort.
preferred as (
    select
        inbound_line,
        any_value(start_time) as start_time,
        min(
            ((not same_connection)::integer * 4000000000 + least(apart_ms, 3999999999))::hugeint * 9223372036854775808
            + outbound_line
        ) as preference
    from pairs
    group by inbound_line
),

matched as (
    select
        inbound_line,
        start_time,
        (preference % 9223372036854775808)::bigint as outbound_line
    from preferred
),

attempts as (
    select
        outbound_line,
        count(*) as server_lines,
        max(epoch_ms(start_time)::hugeint * 9223372036854775808 + inbound_line) as last_line
    from matched
    group by outbound_line
)

select
    matched.inbound_line,
    matched.outbound_line,
    attempts.server_lines,
    matched.inbound_line = (attempts.last_line % 9223372036854775808)::bigint as is_last
from matched
inner join attempts on matched.outbound_line = attempts.outbound_line
