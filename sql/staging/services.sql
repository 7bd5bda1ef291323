-- purpose: Every host that configuration declares: Services by their full name and ServiceEntry hosts. What several
--          clusters declare alike is one service with the addresses of all (namespace sameness); `clusters` names them.
-- kind: table
-- reads: objects_now, cluster_settings
-- grain: one host of one Service or ServiceEntry
-- params: none
with declared as (
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
        object.cluster,
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
        list_distinct(
            list_concat(
                coalesce(json_extract_string(entry.object, '$.spec.addresses[*]'), []),
                -- What istiod handed out; of an entry with several hosts an address does not say which it means.
                case
                    when json_array_length(entry.object, '$.spec.hosts') = 1
                        then coalesce(json_extract_string(entry.object, '$.status.addresses[*].value'), [])
                    else []
                end
            )
        ) as addresses,
        null as external_name,
        array_to_string(json_extract_string(entry.object, '$.spec.exportTo[*]'), ',') as export_to,
        entry.cluster,
        entry.object
    from objects_now as entry
    where entry.kind = 'ServiceEntry' and entry.api_group = 'networking.istio.io'
)

select
    host,
    namespace,
    name,
    kind,
    location,
    type,
    selector,
    list_distinct(flatten(list(addresses) over alike)) as addresses,
    external_name,
    export_to,
    list_distinct(list(cluster) over alike) as clusters,
    object
from declared
window alike as (partition by kind, namespace, name, host)
qualify row_number() over (partition by kind, namespace, name, host order by cluster asc nulls first) = 1
