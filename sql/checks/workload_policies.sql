-- purpose: Policies that decide over a workload's traffic, with where they apply: the workloads of their namespace that
--          carry the selector's labels, or of the whole mesh where they lie in the root namespace without a selector.
--          `rank`: the narrower wins (2 selector, 1 namespace, 0 mesh).
-- kind: table
-- reads: object_versions, cluster_settings
-- grain: one version of one policy
-- params: none
with policies as (
    select
        version.kind,
        version.namespace,
        version.name,
        version.valid_from,
        version.valid_to,
        version.source,
        version.source_offset,
        version.object_json::json as object,
        cluster_settings.root_namespace
    from object_versions as version
    cross join cluster_settings
    where
        version.kind in ('PeerAuthentication', 'RequestAuthentication', 'AuthorizationPolicy', 'Sidecar', 'EnvoyFilter')
        -- The mesh configuration is a policy for every proxy.
        or (
            version.kind = 'ConfigMap'
            and version.namespace = cluster_settings.root_namespace
            and (version.name = 'istio' or version.name like 'istio-%')
        )
),

selected as (
    select
        * exclude (object),
        coalesce(
            try_cast(
                coalesce(
                    object -> '$.spec.selector.matchLabels', object -> '$.spec.workloadSelector.labels'
                ) as map (varchar, varchar)
            ),
            map { }::map (varchar, varchar)
        ) as selector,
        unnest(
            case kind
                when 'PeerAuthentication'
                    then [
                        {
                            'setting': lower(object ->> '$.spec.mtls.mode'),
                            'path': 'spec/mtls/mode',
                            'present': coalesce((object ->> '$.spec.mtls.mode'), 'UNSET') <> 'UNSET'
                        }
                    ]
                when 'RequestAuthentication' then [{ 'setting': 'jwt', 'path': 'spec/jwtRules', 'present': true }]
                when 'AuthorizationPolicy'
                    then [
                        {
                            'setting': lower(coalesce((object ->> '$.spec.action'), 'ALLOW')),
                            'path': 'spec/action',
                            'present': true
                        }
                    ]
                when 'Sidecar'
                    then [
                        { 'setting': 'egress', 'path': 'spec/egress', 'present': json_exists(object, '$.spec.egress') },
                        {
                            'setting': 'registry_only',
                            'path': 'spec/outboundTrafficPolicy/mode',
                            'present': (object ->> '$.spec.outboundTrafficPolicy.mode') = 'REGISTRY_ONLY'
                        }
                    ]
                when 'EnvoyFilter'
                    then [{ 'setting': 'patch', 'path': 'spec/configPatches', 'present': true }]
                else [
                    {
                        'setting': 'registry_only',
                        'path': 'data/mesh',
                        'present': contains((object ->> '$.data.mesh'), 'REGISTRY_ONLY')
                    }
                ]
            end
        ) as entry
    from policies
)

select
    * exclude (entry),
    entry.setting,
    entry.path,
    namespace = root_namespace and cardinality(selector) = 0 as is_mesh_wide,
    case
        when cardinality(selector) > 0 then 2
        when namespace = root_namespace then 0
        else 1
    end as rank
from selected
where entry.present
