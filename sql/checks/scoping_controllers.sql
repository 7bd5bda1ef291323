-- purpose: Deployments and StatefulSets of namespaces with injection that have no pod at all: nothing can be observed.
-- kind: check
-- reads: objects_now, pods
-- grain: one controller
-- params: none
select
    controller.namespace,
    controller.name as workload,
    controller.kind as workload_kind,
    map_entries(try_cast(controller.object -> '$.spec.template.metadata.labels' as map (varchar, varchar))) as labels,
    coalesce(try_cast(controller.object ->> '$.spec.replicas' as integer), 1) as replicas
from objects_now as controller
inner join objects_now as namespace
    on
        namespace.kind = 'Namespace'
        and controller.namespace = namespace.name
        and (
            namespace.labels['istio-injection'] = 'enabled'
            or (namespace.labels['istio-injection'] is null and namespace.labels['istio.io/rev'] is not null)
        )
where
    controller.kind in ('Deployment', 'StatefulSet')
    and coalesce(controller.object ->> '$.spec.template.metadata.labels."sidecar.istio.io/inject"', 'true') <> 'false'
    and coalesce(controller.object ->> '$.spec.template.metadata.annotations."inject.istio.io/templates"', '') <> 'gateway'
    and not exists (
        select 1 from pods
        where pods.namespace = controller.namespace and pods.workload = controller.name and pods.valid_to is null
    )
order by controller.namespace, controller.name
