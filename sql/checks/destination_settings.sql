-- purpose: What VirtualServices and DestinationRules set for which host, and when: one row for each setting that can
--          make a proxy refuse, cut or send astray a request. `any` is there for every route and rule.
-- kind: table
-- reads: object_versions, cluster_settings, qualified_host
-- grain: one setting of one version of one object, for one host
-- params: none
with versions as (
    select
        version.kind,
        version.namespace,
        version.name,
        version.valid_from,
        version.valid_to,
        version.source,
        version.source_offset,
        version.object_json::json as object,
        cluster_settings.cluster_domain
    from object_versions as version
    cross join cluster_settings
    where version.kind in ('VirtualService', 'DestinationRule') and version.api_group = 'networking.istio.io'
),

route_lists as (
    select
        *,
        unnest(['http', 'tcp', 'tls']) as protocol
    from versions
    where kind = 'VirtualService'
),

numbered_routes as (
    select
        *,
        unnest(range(json_array_length(object -> ('$.spec.' || protocol))::bigint)) as number
    from route_lists
    where json_type(object, '$.spec.' || protocol) = 'ARRAY'
),

routes as (
    select
        *,
        object -> ('$.spec.' || protocol || '[' || number || ']') as route,
        'spec/' || protocol || '[' || number || ']' as path
    from numbered_routes
),

route_hosts as (
    select
        * exclude (object),
        unnest(
            list_distinct(
                list_concat(
                    coalesce(json_extract_string(object, '$.spec.hosts[*]'), []),
                    coalesce(json_extract_string(route, '$.route[*].destination.host'), [])
                )
            )
        ) as written
    from routes
),

route_settings as (
    select
        * exclude (route, path),
        unnest(
            [
                { 'setting': 'any', 'path': path, 'present': true },
                { 'setting': 'timeout', 'path': path || '/timeout', 'present': json_exists(route, '$.timeout') },
                {
                    'setting': 'per_try_timeout',
                    'path': path || '/retries/perTryTimeout',
                    'present': json_exists(route, '$.retries.perTryTimeout')
                },
                { 'setting': 'retries', 'path': path || '/retries', 'present': json_exists(route, '$.retries') },
                { 'setting': 'abort', 'path': path || '/fault/abort', 'present': json_exists(route, '$.fault.abort') },
                { 'setting': 'delay', 'path': path || '/fault/delay', 'present': json_exists(route, '$.fault.delay') },
                {
                    'setting': 'direct_response',
                    'path': path || '/directResponse',
                    'present': json_exists(route, '$.directResponse')
                }
            ]
        ) as entry
    from route_hosts
),

policies as (
    select
        *,
        unnest(
            list_concat(
                [{ 'path': 'spec/trafficPolicy', 'policy': object -> '$.spec.trafficPolicy' }],
                list_transform(
                    range(coalesce(json_array_length(object -> '$.spec.trafficPolicy.portLevelSettings'), 0)::bigint),
                    lambda number: {
                        'path': 'spec/trafficPolicy/portLevelSettings[' || number || ']',
                        'policy': object -> ('$.spec.trafficPolicy.portLevelSettings[' || number || ']')
                    }
                ),
                list_transform(
                    range(coalesce(json_array_length(object -> '$.spec.subsets'), 0)::bigint),
                    lambda number: {
                        'path': 'spec/subsets[' || number || ']/trafficPolicy',
                        'policy': object -> ('$.spec.subsets[' || number || '].trafficPolicy')
                    }
                )
            )
        ) as part
    from versions
    where kind = 'DestinationRule'
),

rule_settings as (
    select
        * exclude (part),
        object ->> '$.spec.host' as written,
        unnest(
            [
                { 'setting': 'any', 'path': 'spec', 'present': part.path = 'spec/trafficPolicy' },
                {
                    'setting': 'connection_pool',
                    'path': part.path || '/connectionPool',
                    'present': json_exists(part.policy, '$.connectionPool')
                },
                {
                    'setting': 'outlier_detection',
                    'path': part.path || '/outlierDetection',
                    'present': json_exists(part.policy, '$.outlierDetection')
                },
                { 'setting': 'tls', 'path': part.path || '/tls', 'present': json_exists(part.policy, '$.tls') },
                {
                    'setting': 'tls_originate',
                    'path': part.path || '/tls/mode',
                    'present': (part.policy ->> '$.tls.mode') in ('SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL')
                },
                {
                    'setting': 'tls_names',
                    'path': part.path || '/tls/subjectAltNames',
                    'present': json_exists(part.policy, '$.tls.subjectAltNames')
                },
                {
                    'setting': 'tls_disable',
                    'path': part.path || '/tls/mode',
                    'present': (part.policy ->> '$.tls.mode') = 'DISABLE'
                },
                {
                    'setting': 'max_connection_duration',
                    'path': part.path || '/connectionPool/tcp/maxConnectionDuration',
                    'present': json_exists(part.policy, '$.connectionPool.tcp.maxConnectionDuration')
                }
            ]
        ) as entry
    from policies
),

settings as (
    select
        kind,
        namespace,
        name,
        valid_from,
        valid_to,
        source,
        source_offset,
        cluster_domain,
        written,
        entry
    from route_settings
    union all by name
    select
        kind,
        namespace,
        name,
        valid_from,
        valid_to,
        source,
        source_offset,
        cluster_domain,
        written,
        entry
    from rule_settings
)

select distinct
    kind,
    namespace,
    name,
    valid_from,
    valid_to,
    source,
    source_offset,
    entry.setting,
    entry.path,
    qualified_host(written, namespace, cluster_domain) as host
from settings
where entry.present and written is not null
