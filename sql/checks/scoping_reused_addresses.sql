-- purpose: Addresses that several services had one after the other: which host had one from when to when. What dialled
--          such an address meant whoever had it then.
-- kind: check
-- reads: object_versions, cluster_settings
-- grain: one address and host
-- params: none
with addressed as (
    select
        version.name || '.' || version.namespace || '.svc.' || cluster_settings.cluster_domain as host,
        unnest(
            list_distinct(
                list_concat(
                    [version.object_json::json ->> '$.spec.clusterIP'],
                    coalesce(json_extract_string(version.object_json::json, '$.spec.clusterIPs[*]'), [])
                )
            )
        ) as address,
        version.valid_from,
        version.valid_to
    from object_versions as version
    cross join cluster_settings
    where version.kind = 'Service' and version.api_group = ''
),

spans as (
    select
        address,
        host,
        min(valid_from) as valid_from,
        case when count(*) = count(valid_to) then max(valid_to) end as valid_to
    from addressed
    where address is not null and address not in ('None', '')
    group by address, host
)

select
    address,
    host,
    valid_from,
    valid_to
from spans
qualify count(*) over (partition by address) > 1
order by address, valid_from, host
