-- 200 pods with a sidecar and their Services.
with number as (
    select i
    from range(200) as numbers (i)
)

select
    'bench' as source,
    i as source_offset,
    'v1' as api_version,
    'Pod' as kind,
    'bench' as namespace,
    'pod-' || i as name,
    timestamptz '2026-01-01 00:00:00+00' as observed_at,
    true as observed_at_exact,
    'SNAPSHOT' as event,
    map {'app': 'a' || i} as labels,
    '{"spec":{"containers":[{"name":"app"},{"name":"istio-proxy"}]},"status":{"podIP":"10.1.' || i || '.2"}}'
        as object_json
from number
union all
select
    'bench' as source,
    1000 + i as source_offset,
    'v1' as api_version,
    'Service' as kind,
    'bench' as namespace,
    'service-' || i as name,
    timestamptz '2026-01-01 00:00:00+00' as observed_at,
    true as observed_at_exact,
    'SNAPSHOT' as event,
    null as labels,
    '{"spec":{"selector":{"app":"a' || i || '"},"ports":[{"name":"http","port":8080}]}}' as object_json
from number
