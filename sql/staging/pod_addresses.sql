-- purpose: Which pod had which address when. `owners` counts the pods that ever had the address: where it is one, the
--          address names that pod at any time.
-- kind: table
-- reads: object_versions, pods
-- grain: one address of one pod
-- params: none
with versions as (
    select
        namespace,
        name,
        valid_from,
        valid_to,
        object_json::json as object
    from object_versions
    where kind = 'Pod' and coalesce(object_json::json ->> '$.spec.hostNetwork', 'false') <> 'true'
),

addresses as (
    select
        namespace,
        name,
        valid_from,
        valid_to,
        object ->> '$.status.podIP' as primary_address,
        unnest(
            list_distinct(
                list_concat(
                    [object ->> '$.status.podIP'], coalesce(json_extract_string(object, '$.status.podIPs[*].ip'), [])
                )
            )
        ) as address
    from versions
),

spans as (
    select
        address,
        namespace,
        name,
        bool_or(address = primary_address) as is_primary,
        min(valid_from) as valid_from,
        case when count(*) = count(valid_to) then max(valid_to) end as valid_to
    from addresses
    where address is not null
    group by address, namespace, name
)

select
    spans.address,
    spans.namespace,
    spans.name as pod,
    pods.workload,
    pods.is_gateway,
    pods.has_sidecar,
    spans.is_primary,
    spans.valid_from,
    spans.valid_to,
    count(*) over (partition by spans.address) as owners
from spans
inner join pods on spans.namespace = pods.namespace and spans.name = pods.pod
