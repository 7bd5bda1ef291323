-- purpose: Which failing call caused which. Links within one chain of calls:
--          `response`: an application answered with an error while a call it made for the same request failed;
--          `cancel`: a call was given up because the call it served had run into a time limit or was given up itself;
--          `connection`: a connection broke because the callee's proxy had no filter chain for it (its line has no
--          request id and no host);
--          `handshake`: the callee's proxy could not read what was the caller's TLS handshake with a plaintext port;
--          `concurrent`: as `response`, where the failing call has no request id (TCP): same pod, inside the time.
-- kind: table
-- reads: failing_calls
-- grain: one failing call that another one caused
-- params: none
with passed_on as (
    -- Answers that an application gave, perhaps because something it needed had failed.
    select * from failing_calls
    where cause in ('application_error', 'retries_exhausted')
),

by_request as (
    select * from failing_calls
    where request_id is not null
),

without_request_id as (
    select * from failing_calls
    where request_id is null and protocol = 'tcp'
),

-- Calls whose caller's proxy ended them: what the callee was doing for them is given up.
cut_short as (
    select * from by_request
    where
        cause in (
            'client_cancel', 'route_timeout', 'per_try_timeout', 'max_duration', 'stream_idle_timeout', 'request_timeout'
        )
),

broken_connections as (
    select * from failing_calls
    where decided_by = 'client' and cause in ('upstream_closed', 'upstream_reset', 'connection_failed')
),

failed_handshakes as (
    select * from failing_calls
    where decided_by = 'client' and cause = 'tls_to_plaintext'
),

unreadable_requests as (
    select * from failing_calls
    where decided_by = 'server' and cause = 'downstream_protocol_error' and request_id is null
),

refused_connections as (
    select * from failing_calls
    where decided_by = 'server' and cause = 'plaintext_to_strict_mtls'
),

response_links as (
    -- The last failure before the answer is the one the application gave up on. One match for each call, found by
    -- order: a request id that a client sends with every request must not pair all calls with all.
    select
        parent.call_id,
        child.call_id as caused_by,
        'response' as link
    from passed_on as parent
    asof inner join by_request as child
        on
            parent.request_id = child.request_id
            and parent.callee_workload = child.caller
            and coalesce(parent.callee_pod, '') = coalesce(child.caller_pod, '')
            -- Times are whole milliseconds of two clocks.
            and parent.end_time + interval 100 milliseconds >= child.end_time
    where
        child.call_id <> parent.call_id
        and child.start_time >= parent.start_time - interval 100 milliseconds
),

cancel_links as (
    select
        child.call_id,
        parent.call_id as caused_by,
        'cancel' as link
    from by_request as child
    asof inner join cut_short as parent
        on
            child.request_id = parent.request_id
            and child.caller = parent.callee_workload
            and coalesce(child.caller_pod, '') = coalesce(parent.callee_pod, '')
            and child.start_time + interval 100 milliseconds >= parent.start_time
    where
        child.cause = 'client_cancel'
        and child.call_id <> parent.call_id
        -- The pod hears of it a little later than the proxy in front of it.
        and child.end_time >= parent.end_time - interval 1 second
),

concurrent_links as (
    select
        parent.call_id,
        child.call_id as caused_by,
        'concurrent' as link
    from passed_on as parent
    asof inner join without_request_id as child
        on
            parent.callee_pod = child.caller_pod
            and parent.callee_pod_namespace = child.caller_namespace
            and parent.end_time >= child.start_time
    where
        child.start_time >= parent.start_time - interval 100 milliseconds
        and not exists (
            select 1 from response_links
            where response_links.call_id = parent.call_id
        )
),

connection_links as (
    select
        client.call_id,
        server.call_id as caused_by,
        'connection' as link
    from broken_connections as client
    asof inner join refused_connections as server
        on
            client.callee_pod = server.callee_pod
            and client.callee_pod_namespace = server.callee_pod_namespace
            and client.end_time + interval 1 second >= server.start_time
    where
        (server.caller = 'unknown' or server.caller = client.caller)
        and server.start_time >= client.start_time - interval 1 second
),

handshake_links as (
    select
        server.call_id,
        client.call_id as caused_by,
        'handshake' as link
    from unreadable_requests as server
    asof inner join failed_handshakes as client
        on
            server.callee_pod = client.callee_pod
            and server.callee_pod_namespace = client.callee_pod_namespace
            and server.caller = client.caller
            and server.start_time + interval 1 second >= client.start_time
    -- Every try is a handshake of its own.
    where server.start_time <= client.end_time + interval 1 second
),

links as (
    select * from response_links
    union all
    select * from cancel_links
    union all
    select * from connection_links
    union all
    select * from handshake_links
    union all
    select * from concurrent_links
)

select
    call_id,
    caused_by,
    link
from links
qualify row_number() over (partition by call_id order by link = 'response' desc, caused_by desc) = 1
