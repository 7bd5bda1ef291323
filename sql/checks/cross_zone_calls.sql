-- purpose: Edges whose calls leave the caller's zone although the callee has a pod in it. Zones are the nodes' labels.
-- kind: check
-- reads: calls, pods, objects_now, service_backends, asked_for
-- grain: one edge
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with zones as (
    select
        pods.namespace,
        pods.pod,
        coalesce(
            node.labels['topology.kubernetes.io/zone'], node.labels['failure-domain.beta.kubernetes.io/zone']
        ) as zone
    from pods
    inner join objects_now as node on pods.node = node.name
    where node.kind = 'Node'
),

zoned as (
    select
        calls.*,
        caller_zone.zone as caller_zone,
        callee_zone.zone as callee_zone
    from calls
    inner join zones as caller_zone
        on calls.caller_namespace = caller_zone.namespace and calls.caller_pod = caller_zone.pod
    inner join zones as callee_zone
        on calls.callee_pod_namespace = callee_zone.namespace and calls.callee_pod = callee_zone.pod
    where
        caller_zone.zone is not null
        and callee_zone.zone is not null
        and asked_for(
            calls.start_time, calls.caller_namespace, calls.callee_namespace, $since, $until, $namespaces
        )
),

local_backends as (
    select distinct
        backend.host,
        zones.zone
    from service_backends as backend
    inner join zones on backend.namespace = zones.namespace and backend.pod = zones.pod
)

select
    zoned.caller_namespace,
    coalesce(zoned.caller, 'unknown') as caller,
    zoned.callee,
    any_value(zoned.callee_namespace) as callee_namespace,
    count(*) as calls,
    count(*) filter (where zoned.caller_zone <> zoned.callee_zone) as crossing,
    sum(zoned.bytes_received + zoned.bytes_sent) filter (where zoned.caller_zone <> zoned.callee_zone)::bigint
        as crossing_bytes,
    list(distinct zoned.caller_zone || ' -> ' || zoned.callee_zone order by zoned.caller_zone || ' -> ' || zoned.callee_zone)
        filter (where zoned.caller_zone <> zoned.callee_zone) as directions,
    min(zoned.start_time) as first_seen,
    max(zoned.start_time) as last_seen
from zoned
inner join local_backends on zoned.callee = local_backends.host and zoned.caller_zone = local_backends.zone
group by zoned.caller_namespace, coalesce(zoned.caller, 'unknown'), zoned.callee
having count(*) >= $minimum_samples and count(*) filter (where zoned.caller_zone <> zoned.callee_zone) * 2 > count(*)
order by crossing desc, caller asc, callee asc
