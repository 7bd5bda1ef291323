-- purpose: Every pod of the inventory with what decides whether and how it can be scoped. `ended_at` is null while the pod
--          lives; `created_at` is null where no object says when. Pods that crash in a loop observe nothing.
-- kind: check
-- reads: pods, objects_now, object_versions
-- grain: one pod
-- params: none
with living as (
    select
        namespace,
        name,
        created_at,
        coalesce(
            list_contains(
                json_extract_string(object, '$.status.containerStatuses[*].state.waiting.reason'), 'CrashLoopBackOff'
            ),
            false
        ) as is_crashing,
        list_filter(
            list_concat(
                coalesce(json_extract_string(object, '$.spec.containers[*].image'), []),
                coalesce(json_extract_string(object, '$.spec.initContainers[*].image'), [])
            ),
            lambda image: image like '%proxyv2%'
        ) as proxy_images
    from objects_now
    where kind = 'Pod'
),

first_created as (
    select
        namespace,
        name,
        min(created_at) as created_at
    from object_versions
    where kind = 'Pod'
    group by namespace, name
)

select
    pods.namespace,
    pods.pod,
    pods.workload,
    pods.workload_kind,
    map_entries(pods.labels) as labels,
    pods.has_sidecar,
    pods.is_gateway,
    coalesce(
        pods.annotations['ambient.istio.io/redirection'] = 'enabled'
        or pods.labels['istio.io/dataplane-mode'] = 'ambient'
        or (
            pods.labels['istio.io/dataplane-mode'] is null
            and pods.namespace in (
                select namespace.name from objects_now as namespace
                where namespace.kind = 'Namespace' and namespace.labels['istio.io/dataplane-mode'] = 'ambient'
            )
        ),
        false
    ) as is_ambient,
    pods.labels['gateway.istio.io/managed'] like '%mesh-controller' as is_waypoint,
    pods.annotations['proxy.istio.io/config'] as proxy_config,
    coalesce(
        pods.labels['istio.io/rev'],
        json_extract_string(try_cast(pods.annotations['sidecar.istio.io/status'] as json), '$.revision')
    ) as revision,
    regexp_extract(living.proxy_images[1], ':([0-9]+\.[0-9]+)', 1) as istio_version,
    coalesce(living.is_crashing, false) as is_crashing,
    pods.phase,
    pods.cluster,
    pods.service_account,
    coalesce(living.created_at, first_created.created_at) as created_at,
    pods.valid_to as ended_at
from pods
left join living on pods.namespace = living.namespace and pods.pod = living.name
left join first_created on pods.namespace = first_created.namespace and pods.pod = first_created.name
order by pods.namespace, pods.pod
