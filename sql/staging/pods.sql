-- purpose: Pods with the workload that owns them, over the whole time they were seen. A pod killed and made again under
--          its name is one row. A ReplicaSet's Deployment comes from the ReplicaSet itself, or from its name without
--          the pod-template-hash that its label states; no owner: the pod is its own workload.
-- kind: table
-- reads: object_versions, object_versions
-- grain: one pod name
-- params: none
with versions as (
    select
        namespace,
        name,
        uid,
        labels,
        annotations,
        owner_kind,
        owner_name,
        cluster,
        valid_from,
        valid_to,
        version_number,
        object_json::json as object
    from object_versions
    where kind = 'Pod'
),

latest as (
    select
        namespace,
        name,
        arg_max_null(labels, version_number) as labels,
        arg_max_null(annotations, version_number) as annotations,
        arg_max_null(owner_kind, version_number) as owner_kind,
        arg_max_null(owner_name, version_number) as owner_name,
        arg_max_null(cluster, version_number) as cluster,
        arg_max(object, version_number) as object,
        min(valid_from) as valid_from,
        case when count(*) = count(valid_to) then max(valid_to) end as valid_to
    from versions
    group by namespace, name
),

replica_sets as (
    select
        namespace,
        name,
        any_value(owner_kind) as owner_kind,
        any_value(owner_name) as owner_name
    from object_versions
    where kind in ('ReplicaSet', 'Job') and owner_name is not null
    group by namespace, name
)

select
    pod.namespace,
    pod.name as pod,
    pod.cluster,
    coalesce(
        middle.owner_name,
        case
            when pod.owner_kind = 'ReplicaSet' and pod.labels['pod-template-hash'] is not null
                then regexp_replace(pod.owner_name, '-' || pod.labels['pod-template-hash'] || '$', '')
        end,
        pod.owner_name,
        pod.name
    ) as workload,
    coalesce(
        middle.owner_kind,
        case
            when pod.owner_kind = 'ReplicaSet' and pod.labels['pod-template-hash'] is not null then 'Deployment'
        end,
        pod.owner_kind,
        'Pod'
    ) as workload_kind,
    pod.labels,
    pod.annotations,
    coalesce(pod.object ->> '$.spec.serviceAccountName', 'default') as service_account,
    pod.object ->> '$.spec.nodeName' as node,
    pod.object ->> '$.status.phase' as phase,
    pod.object ->> '$.status.podIP' as pod_ip,
    list_transform(
        coalesce(
            json_extract_string(pod.object, '$.status.podIPs[*].ip'),
            []
        ),
        lambda address: address
    ) as pod_ips,
    (
        list_contains(json_extract_string(pod.object, '$.spec.containers[*].name'), 'istio-proxy')
        or list_contains(json_extract_string(pod.object, '$.spec.initContainers[*].name'), 'istio-proxy')
    ) as has_proxy,
    -- A gateway runs the proxy alone; a sidecar runs beside an application, or before it as an init container.
    (
        coalesce(pod.annotations['inject.istio.io/templates'] = 'gateway', false)
        or pod.labels['gateway.networking.k8s.io/gateway-name'] is not null
        or pod.labels['istio.io/gateway-name'] is not null
        or (
            list_contains(json_extract_string(pod.object, '$.spec.containers[*].name'), 'istio-proxy')
            and len(json_extract_string(pod.object, '$.spec.containers[*].name')) = 1
        )
    ) as is_gateway,
    has_proxy and not is_gateway as has_sidecar,
    pod.valid_from,
    pod.valid_to
from latest as pod
left join replica_sets as middle on pod.namespace = middle.namespace and pod.owner_name = middle.name
