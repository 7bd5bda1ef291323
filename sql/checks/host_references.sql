-- purpose: Every place where a VirtualService or DestinationRule in force names a destination host: routes, mirrors and
--          a rule's own host. `path` is the place in the object, `host` the full name. A VirtualService's own
--          `spec.hosts` and its delegates are no destinations.
-- kind: table
-- reads: objects_now, cluster_settings, qualified_host
-- grain: one reference
-- params: none
with objects as (
    select
        object.kind,
        object.namespace,
        object.name,
        object.valid_from,
        object.source,
        object.source_offset,
        object.object,
        cluster_settings.cluster_domain
    from objects_now as object
    cross join cluster_settings
    where object.kind in ('VirtualService', 'DestinationRule') and object.api_group = 'networking.istio.io'
),

route_lists as (
    select
        *,
        unnest(['http', 'tcp', 'tls']) as protocol
    from objects
    where kind = 'VirtualService'
),

routes as (
    select
        * exclude (protocol),
        unnest(
            list_transform(
                range(coalesce(json_array_length(object -> ('$.spec.' || protocol)), 0)::bigint),
                lambda number: {
                    'route_path': 'spec/' || protocol || '[' || number || ']',
                    'route': object -> ('$.spec.' || protocol || '[' || number || ']')
                }
            )
        ) as entry
    from route_lists
),

destinations as (
    select
        * exclude (entry),
        entry.route ->> '$.name' as route_name,
        unnest(
            list_concat(
                list_transform(
                    range(coalesce(json_array_length(entry.route -> '$.route'), 0)::bigint),
                    lambda number: {
                        'destination_path': entry.route_path || '/route[' || number || ']/destination',
                        'destination': entry.route -> ('$.route[' || number || '].destination')
                    }
                ),
                list_transform(
                    range(coalesce(json_array_length(entry.route -> '$.mirrors'), 0)::bigint),
                    lambda number: {
                        'destination_path': entry.route_path || '/mirrors[' || number || ']/destination',
                        'destination': entry.route -> ('$.mirrors[' || number || '].destination')
                    }
                ),
                [{ 'destination_path': entry.route_path || '/mirror', 'destination': entry.route -> '$.mirror' }]
            )
        ) as entry
    from routes
),

named as (
    select
        * exclude (entry),
        entry.destination_path || '/host' as path,
        entry.destination ->> '$.host' as written,
        entry.destination ->> '$.subset' as subset,
        entry.destination_path || '/subset' as subset_path
    from destinations
    union all by name
    select
        *,
        'spec/host' as path,
        object ->> '$.spec.host' as written
    from objects
    where kind = 'DestinationRule'
)

select
    kind,
    namespace,
    name,
    valid_from,
    source,
    source_offset,
    route_name,
    path,
    written,
    nullif(subset, '') as subset,
    subset_path,
    qualified_host(written, namespace, cluster_domain) as host,
    list_transform(
        coalesce(json_extract_string(object, '$.spec.hosts[*]'), []),
        lambda host: qualified_host(host, namespace, cluster_domain)
    ) as serves
from named
where written is not null and written <> ''
