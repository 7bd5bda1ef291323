-- purpose: How many replicas of each workload are asked for and available, as its controller last said.
-- kind: query
-- reads: objects_now
-- grain: one Deployment, StatefulSet or DaemonSet
-- params: namespaces VARCHAR[]
select
    namespace,
    name,
    any_value(kind order by kind asc) as kind,
    sum(
        coalesce(
            try_cast(object ->> '$.status.desiredNumberScheduled' as bigint),
            try_cast(object ->> '$.spec.replicas' as bigint),
            1
        )
    )::bigint as desired,
    sum(
        coalesce(
            try_cast(object ->> '$.status.numberAvailable' as bigint),
            try_cast(object ->> '$.status.availableReplicas' as bigint),
            0
        )
    )::bigint as available
from objects_now
where
    kind in ('Deployment', 'StatefulSet', 'DaemonSet')
    -- A manifest that was never applied has no status.
    and json_exists(object, '$.status.observedGeneration')
    and (len($namespaces) = 0 or list_contains($namespaces, namespace))
group by namespace, name
order by namespace asc, name asc
