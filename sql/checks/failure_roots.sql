-- purpose: Which failing call caused which, followed to the root. Links within one chain of calls:
--          `response`: an application answered with an error while a call it made for the same request failed;
--          `cancel`: a call was given up because the call it served had run into a time limit or was given up itself;
--          `connection`: a connection broke because the callee's proxy had no filter chain for it (its line has no
--          request id and no host);
--          `concurrent`: as `response`, where the failing call has no request id (TCP): same pod, inside the time.
--          A call without a link is its own root. `hops` counts the links to the root.
-- kind: table
-- reads: failing_calls
-- grain: one failing call
-- params: none
with recursive passed_on as (
    -- Answers that an application gave, perhaps because something it needed had failed.
    select * from failing_calls
    where cause in ('application_error', 'retries_exhausted')
),

response_links as (
    select
        parent.call_id,
        child.call_id as caused_by,
        'response' as link,
        child.start_time
    from passed_on as parent
    inner join failing_calls as child
        on parent.request_id = child.request_id and parent.callee_workload = child.caller
    where
        child.call_id <> parent.call_id
        and (child.caller_pod is null or parent.callee_pod is null or child.caller_pod = parent.callee_pod)
        -- Start times are whole milliseconds of two clocks.
        and child.start_time >= parent.start_time - interval 100 milliseconds
        and child.end_time <= parent.end_time + interval 100 milliseconds
),

cancel_links as (
    select
        child.call_id,
        parent.call_id as caused_by,
        'cancel' as link,
        parent.start_time
    from failing_calls as child
    inner join failing_calls as parent
        on child.request_id = parent.request_id and child.caller = parent.callee_workload
    where
        child.cause = 'client_cancel'
        and child.call_id <> parent.call_id
        and parent.cause in (
            'client_cancel', 'route_timeout', 'per_try_timeout', 'max_duration', 'stream_idle_timeout', 'request_timeout'
        )
        and (child.caller_pod is null or parent.callee_pod is null or child.caller_pod = parent.callee_pod)
        and child.start_time >= parent.start_time - interval 100 milliseconds
        -- The pod hears of it a little later than the proxy in front of it.
        and child.end_time >= parent.end_time - interval 1 second
),

concurrent_links as (
    select
        parent.call_id,
        child.call_id as caused_by,
        'concurrent' as link,
        child.start_time
    from passed_on as parent
    inner join failing_calls as child on parent.callee_pod = child.caller_pod
    where
        child.protocol = 'tcp'
        and child.request_id is null
        and child.start_time >= parent.start_time - interval 100 milliseconds
        and child.start_time <= parent.end_time
        and parent.callee_pod_namespace is not distinct from child.caller_namespace
        and not exists (
            select 1 from response_links
            where response_links.call_id = parent.call_id
        )
),

connection_links as (
    select
        client.call_id,
        server.call_id as caused_by,
        'connection' as link,
        server.start_time
    from failing_calls as client
    inner join failing_calls as server
        on
            client.callee_pod = server.callee_pod
            and client.callee_pod_namespace is not distinct from server.callee_pod_namespace
    where
        client.decided_by = 'client'
        and client.cause in ('upstream_closed', 'upstream_reset', 'connection_failed')
        and server.decided_by = 'server'
        and server.cause = 'plaintext_to_strict_mtls'
        and (server.caller = 'unknown' or server.caller = client.caller)
        and server.start_time between client.start_time - interval 1 second and client.end_time + interval 1 second
),

links as (
    select * from response_links
    union all
    select * from cancel_links
    union all
    select * from connection_links
    union all
    select * from concurrent_links
),

chosen as (
    -- The last failure before the answer is the one the application gave up on.
    select
        call_id,
        caused_by,
        link
    from links
    qualify row_number() over (partition by call_id order by start_time desc, caused_by desc) = 1
),

chains as (
    select
        call_id,
        call_id as root_id,
        0 as hops,
        null::varchar as link
    from failing_calls
    union all
    select
        chains.call_id,
        chosen.caused_by as root_id,
        chains.hops + 1 as hops,
        coalesce(chains.link, chosen.link) as link
    from chains
    inner join chosen on chains.root_id = chosen.call_id
    -- Deeper chains of failures than this are loops in the data.
    where chains.hops < 16
)

select
    call_id,
    root_id,
    hops,
    link
from chains
qualify row_number() over (partition by call_id order by hops desc) = 1
