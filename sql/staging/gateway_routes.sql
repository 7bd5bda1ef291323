-- purpose: Where VirtualServices send what comes through gateways: one row for each host and match of each HTTP route,
--          with its first destination. Envoy takes the first route that matches; a route without a match takes all.
--          Only matches by path are kept, so a row is where a request was meant to go, not proof of how it was matched.
-- kind: table
-- reads: objects_now, cluster_settings, qualified_host
-- grain: one host and path match of one route
-- params: none
with gateways as (
    select
        object.namespace,
        object.name,
        object.object,
        cluster_settings.cluster_domain
    from objects_now as object
    cross join cluster_settings
    where
        object.kind = 'VirtualService'
        and object.api_group = 'networking.istio.io'
        and len(
            list_filter(
                coalesce(json_extract_string(object.object, '$.spec.gateways[*]'), []), lambda gateway: gateway <> 'mesh'
            )
        ) > 0
        and json_type(object.object, '$.spec.http') = 'ARRAY'
),

hosts as (
    select
        *,
        unnest(json_extract_string(object, '$.spec.hosts[*]')) as host
    from gateways
),

routes as (
    select
        * exclude (object),
        unnest(object -> '$.spec.http[*]') as route,
        generate_subscripts(object -> '$.spec.http[*]', 1) as number
    from hosts
),

matches as (
    select
        *,
        unnest(if(json_array_length(route -> '$.match') > 0, route -> '$.match[*]', ['{}'::json])) as match
    from routes
)

select
    namespace,
    name,
    lower(host) as host,
    number,
    match ->> '$.uri.exact' as exact,
    match ->> '$.uri.prefix' as prefix,
    match ->> '$.uri.regex' as regex,
    qualified_host(route ->> '$.route[0].destination.host', namespace, cluster_domain) as destination
from matches
where route ->> '$.route[0].destination.host' is not null
