-- purpose: Circuit breakers that cannot open: limits of DestinationRules over a hundred times of what any proxy ever
--          had under way to the host.
-- kind: check
-- reads: proxy_concurrency, objects_now, cluster_settings, qualified_host, declared_hosts
-- grain: one limit of one DestinationRule
-- params: namespaces VARCHAR[]
with rules as (
    select
        rule.namespace,
        rule.name,
        qualified_host(rule.object ->> '$.spec.host', rule.namespace, settings.cluster_domain) as host,
        rule.object -> '$.spec.trafficPolicy.connectionPool' as pool
    from objects_now as rule
    cross join cluster_settings as settings
    where rule.kind = 'DestinationRule' and json_exists(rule.object, '$.spec.trafficPolicy.connectionPool')
),

limits as (
    select
        namespace,
        name,
        host,
        unnest(
            [
                { 'path': 'tcp/maxConnections', 'value': try_cast(pool ->> '$.tcp.maxConnections' as bigint) },
                { 'path': 'http/http2MaxRequests', 'value': try_cast(pool ->> '$.http.http2MaxRequests' as bigint) },
                {
                    'path': 'http/http1MaxPendingRequests',
                    'value': try_cast(pool ->> '$.http.http1MaxPendingRequests' as bigint)
                }
            ]
        ) as entry
    from rules
),

measured as (
    select
        callee,
        max(most) as most,
        sum(calls)::bigint as calls,
        count(*) as proxies,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from proxy_concurrency
    group by callee
)

select
    limits.namespace,
    limits.name,
    limits.host as callee,
    'spec/trafficPolicy/connectionPool/' || limits.entry.path as path,
    limits.entry.value as limit_value,
    measured.most,
    measured.calls,
    measured.proxies,
    measured.first_seen,
    measured.last_seen
from limits
inner join measured on limits.host = measured.callee
where
    limits.entry.value > 100 * measured.most
    -- What a thousand calls never came near they will not come near tomorrow.
    and measured.calls >= 1000
    and (len($namespaces) = 0 or list_contains($namespaces, limits.namespace))
order by limits.namespace asc, limits.name asc, path asc
