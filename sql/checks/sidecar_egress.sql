-- purpose: What Sidecars let proxies see: each entry of `spec.egress[].hosts`, its namespace part and host pattern. A
--          Sidecar with egress entries of which none names a host has one row without a pattern.
-- kind: table
-- reads: workload_policies, object_versions
-- grain: one host entry of one version of one Sidecar
-- params: none
with entries as (
    select
        version.namespace,
        version.name,
        version.valid_from,
        unnest(
            coalesce(
                nullif(json_extract_string(version.object_json::json, '$.spec.egress[*].hosts[*]'), []), [null]
            )
        ) as entry
    from object_versions as version
    where version.kind = 'Sidecar' and json_exists(version.object_json::json, '$.spec.egress')
)

select
    policy.namespace,
    policy.name,
    policy.valid_from,
    policy.valid_to,
    policy.selector,
    policy.is_mesh_wide,
    policy.rank,
    entries.entry,
    split_part(entries.entry, '/', 1) as in_namespace,
    split_part(entries.entry, '/', 2) as pattern
from entries
inner join workload_policies as policy
    on
        policy.kind = 'Sidecar'
        and policy.setting = 'egress'
        and entries.namespace = policy.namespace
        and entries.name = policy.name
        and entries.valid_from = policy.valid_from
