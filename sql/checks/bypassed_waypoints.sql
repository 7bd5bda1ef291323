-- purpose: Services bound to a waypoint, with rules that only a waypoint enforces, whose HTTP ports were only ever seen
--          as TCP: the calls passed the waypoint by.
-- kind: check
-- reads: calls, objects_now, services, service_ports, asked_for
-- grain: one port of one Service
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with bound as (
    select
        services.host,
        services.namespace,
        services.name,
        coalesce(
            service.labels['istio.io/use-waypoint'], namespace_object.labels['istio.io/use-waypoint']
        ) as waypoint
    from services
    inner join objects_now as service
        on services.kind = service.kind and services.namespace = service.namespace and services.name = service.name
    left join objects_now as namespace_object
        on namespace_object.kind = 'Namespace' and services.namespace = namespace_object.name
    where
        services.kind = 'Service'
        and coalesce(
            service.labels['istio.io/use-waypoint'], namespace_object.labels['istio.io/use-waypoint'], 'none'
        ) <> 'none'
),

targets as (
    select
        rule.kind,
        rule.namespace,
        rule.name,
        unnest(
            list_concat(
                coalesce(json_extract_string(rule.object, '$.spec.targetRefs[*].name'), []),
                coalesce(json_extract_string(rule.object, '$.spec.parentRefs[*].name'), [])
            )
        ) as target
    from objects_now as rule
    where
        rule.kind in ('HTTPRoute', 'GRPCRoute', 'RequestAuthentication', 'WasmPlugin', 'AuthorizationPolicy')
        -- An AuthorizationPolicy without methods, paths or headers holds at layer 4, too.
        and (
            rule.kind <> 'AuthorizationPolicy'
            or regexp_matches(rule.object::varchar, '"(methods|notMethods|paths|notPaths|when|hosts)"')
        )
),

ruled as (
    select
        bound.*,
        list(distinct targets.kind || '/' || targets.namespace || '/' || targets.name) as rules
    from bound
    inner join targets
        on bound.namespace = targets.namespace and targets.target in (bound.name, bound.waypoint)
    group by all
)

select
    ruled.host as callee,
    ruled.namespace,
    ruled.name,
    ruled.waypoint,
    list_sort(any_value(ruled.rules)) as rules,
    calls.port,
    count(*) as calls,
    list(distinct coalesce(calls.caller, 'unknown') order by coalesce(calls.caller, 'unknown')) as callers,
    min(calls.start_time) as first_seen,
    max(calls.start_time) as last_seen
from ruled
inner join calls on ruled.host = calls.callee
inner join service_ports as port on ruled.host = port.host and calls.port = port.port
where
    port.protocol in ('http', 'grpc')
    and asked_for(calls.start_time, calls.caller_namespace, calls.callee_namespace, $since, $until, $namespaces)
group by ruled.host, ruled.namespace, ruled.name, ruled.waypoint, calls.port
having count(*) >= $minimum_samples and count(*) filter (where calls.protocol <> 'tcp') = 0
order by calls desc, callee asc
