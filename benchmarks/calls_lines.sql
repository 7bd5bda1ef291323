-- Two lines a call between 200 workloads; the request id is shared by a chain of two calls.
with call as (
    select
        i,
        i % 200 as caller,
        (i * 7 + 1) % 200 as callee,
        timestamptz '2026-01-01 00:00:00+00' + to_milliseconds(i) as at_time,
        printf('%032x', i // 2) as request_id
    from range($calls) as numbers (i)
),

side as (
    select unnest(['outbound', 'inbound']) as side
)

select
    '/logs/pod-' || case side when 'outbound' then caller else callee end || '/access.log' as source,
    i * 1000 as source_offset,
    'istio_text' as format,
    at_time as start_time,
    'GET' as method,
    '/' as path,
    'HTTP/1.1' as protocol,
    case when i % 100 = 0 then 503 else 200 end as response_code,
    'via_upstream' as response_code_details,
    0 as bytes_received,
    100 as bytes_sent,
    5 as duration_ms,
    request_id,
    'service-' || callee as authority,
    '10.1.' || callee || '.2:8080' as upstream_host,
    case side
        when 'outbound' then 'outbound|8080||service-' || callee || '.bench.svc.cluster.local'
        else 'inbound|8080||'
    end as upstream_cluster,
    case side when 'outbound' then '10.1.' || caller || '.2:' || (20000 + i % 40000) end as upstream_local_address,
    '10.1.' || callee || '.2:8080' as downstream_local_address,
    '10.1.' || caller || '.2:' || (20000 + i % 40000) as downstream_remote_address,
    case side
        when 'inbound' then 'outbound_.8080_._.service-' || callee || '.bench.svc.cluster.local'
    end as requested_server_name,
    date '2026-01-01' as date
from call
cross join side
