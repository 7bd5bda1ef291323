-- purpose: Every host that configuration declares: Services by their full name and ServiceEntry hosts.
-- kind: table
-- reads: objects_now, cluster_settings
-- grain: one host of one Service or ServiceEntry
-- params: none
select
    object.name || '.' || object.namespace || '.svc.' || cluster_settings.cluster_domain as host,
    object.namespace,
    object.name,
    'Service' as kind,
    'mesh' as location,
    object.object ->> '$.spec.type' as type,
    try_cast(object.object -> '$.spec.selector' as map (varchar, varchar)) as selector,
    list_distinct(
        list_filter(
            list_concat(
                [object.object ->> '$.spec.clusterIP'],
                coalesce(json_extract_string(object.object, '$.spec.clusterIPs[*]'), [])
            ),
            lambda address: address is not null and address not in ('None', '')
        )
    ) as addresses,
    object.object ->> '$.spec.externalName' as external_name,
    object.annotations['networking.istio.io/exportTo'] as export_to,
    object.object
from objects_now as object
cross join cluster_settings
where object.kind = 'Service' and object.api_group = ''
union all
select
    unnest(json_extract_string(entry.object, '$.spec.hosts[*]')) as host,
    entry.namespace,
    entry.name,
    'ServiceEntry' as kind,
    case when entry.object ->> '$.spec.location' = 'MESH_INTERNAL' then 'mesh' else 'external' end as location,
    entry.object ->> '$.spec.resolution' as type,
    try_cast(entry.object -> '$.spec.workloadSelector.labels' as map (varchar, varchar)) as selector,
    coalesce(json_extract_string(entry.object, '$.spec.addresses[*]'), []) as addresses,
    null as external_name,
    array_to_string(json_extract_string(entry.object, '$.spec.exportTo[*]'), ',') as export_to,
    entry.object
from objects_now as entry
where entry.kind = 'ServiceEntry' and entry.api_group = 'networking.istio.io'
