-- purpose: How each calling pod spreads its calls over a host's endpoints, where a policy would have it spread them
--          evenly: two endpoints or more that were there all the time, no consistent hashing, no locality weights and no
--          routes to subsets for the host.
-- kind: check
-- reads: calls, pods, objects_now, cluster_settings, qualified_host, service_ports, asked_for
-- grain: one port of one host and calling pod
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with rules as (
    select
        qualified_host(rule.object ->> '$.spec.host', rule.namespace, settings.cluster_domain) as host,
        rule.object -> '$.spec.trafficPolicy.loadBalancer' as balancer
    from objects_now as rule
    cross join cluster_settings as settings
    where rule.kind = 'DestinationRule' and rule.object ->> '$.spec.host' is not null
),

uneven_by_policy as (
    select distinct host
    from rules
    where json_exists(balancer, '$.consistentHash') or json_exists(balancer, '$.localityLbSetting')
),

told as (
    select calls.*
    from calls
    anti join uneven_by_policy on calls.callee = uneven_by_policy.host
    where
        calls.upstream_host is not null
        and calls.callee_kind = 'service'
        and calls.route_kind = 'registry'
        and calls.subset is null
        and calls.caller_pod is not null
        and asked_for(
            calls.start_time, calls.caller_namespace, calls.callee_namespace, $since, $until, $namespaces
        )
),

bounds as (
    select
        callee,
        port,
        caller_namespace,
        caller_pod,
        min(start_time) as first_seen,
        max(start_time) as last_seen
    from told
    group by callee, port, caller_namespace, caller_pod
),

endpoints as (
    select distinct
        callee,
        port,
        upstream_host,
        callee_pod,
        callee_pod_namespace
    from told
),

-- Endpoints that came or went meanwhile had no chance of an even share.
steady as (
    select
        bounds.*,
        endpoint.upstream_host
    from bounds
    inner join endpoints as endpoint on bounds.callee = endpoint.callee and bounds.port is not distinct from endpoint.port
    inner join pods
        on endpoint.callee_pod = pods.pod and endpoint.callee_pod_namespace is not distinct from pods.namespace
    where
        pods.valid_from <= bounds.first_seen
        and (pods.valid_to is null or pods.valid_to >= bounds.last_seen)
),

counted as (
    select
        steady.callee,
        steady.port,
        steady.caller_namespace,
        steady.caller_pod,
        steady.upstream_host,
        any_value(steady.first_seen) as first_seen,
        any_value(steady.last_seen) as last_seen,
        any_value(told.caller) as caller,
        any_value(told.callee_namespace) as callee_namespace,
        any_value(told.http_protocol) as http_protocol,
        count(told.start_time) as calls
    from steady
    left join told
        on
            steady.callee = told.callee
            and steady.port is not distinct from told.port
            and steady.caller_namespace is not distinct from told.caller_namespace
            and steady.caller_pod = told.caller_pod
            and steady.upstream_host = told.upstream_host
    group by steady.callee, steady.port, steady.caller_namespace, steady.caller_pod, steady.upstream_host
)

select
    counted.callee,
    counted.port,
    counted.caller_namespace,
    counted.caller_pod,
    any_value(counted.caller) as caller,
    any_value(counted.callee_namespace) as callee_namespace,
    any_value(counted.http_protocol) as http_protocol,
    any_value(service_ports.protocol) as declared_protocol,
    list(counted.calls order by counted.calls desc, counted.upstream_host asc) as shares,
    list(counted.upstream_host order by counted.calls desc, counted.upstream_host asc) as endpoints,
    sum(counted.calls)::bigint as calls,
    any_value(counted.first_seen) as first_seen,
    any_value(counted.last_seen) as last_seen
from counted
left join service_ports on counted.callee = service_ports.host and counted.port = service_ports.port
group by counted.callee, counted.port, counted.caller_namespace, counted.caller_pod
having count(*) > 1 and sum(counted.calls) >= $minimum_samples * count(*)
order by counted.callee asc, counted.port asc, counted.caller_namespace asc, counted.caller_pod asc
