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
    where version.kind in ('PeerAuthentication', 'RequestAuthentication', 'AuthorizationPolicy', 'Sidecar')
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
        case
            when kind = 'PeerAuthentication' and object ->> '$.spec.mtls.mode' = 'STRICT' then 'strict'
            when kind = 'RequestAuthentication' then 'jwt'
            when kind = 'AuthorizationPolicy' and object ->> '$.spec.action' = 'CUSTOM' then 'custom'
            when kind = 'Sidecar' and json_exists(object, '$.spec.egress') then 'egress'
        end as setting,
        case kind
            when 'PeerAuthentication' then 'spec/mtls/mode'
            when 'RequestAuthentication' then 'spec/jwtRules'
            when 'AuthorizationPolicy' then 'spec/action'
            else 'spec/egress'
        end as path
    from policies
)

select
    *,
    namespace = root_namespace and cardinality(selector) = 0 as is_mesh_wide,
    case
        when cardinality(selector) > 0 then 2
        when namespace = root_namespace then 0
        else 1
    end as rank
from selected
where setting is not null
