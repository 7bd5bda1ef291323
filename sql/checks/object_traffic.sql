-- purpose: The calls that each of these objects bears on. A host's objects bear on calls to the host; what selects
--          workloads on the calls they serve (a Sidecar: on those they make); a workload, pod or namespace on both.
-- kind: check
-- reads: calls, objects_now, pods, services, cluster_settings, qualified_host, asked_for
-- grain: one object
-- params: objects VARCHAR[], since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
with edges as (
    select
        caller_namespace,
        caller,
        callee,
        callee_namespace,
        callee_pod_namespace,
        callee_workload,
        count(*) as calls,
        count(*) filter (where is_error) as failures
    from calls
    where asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
    group by caller_namespace, caller, callee, callee_namespace, callee_pod_namespace, callee_workload
),

asked as (
    select distinct unnest($objects) as identity
),

found as (
    select
        asked.identity,
        split_part(asked.identity, '/', 1) as kind,
        split_part(asked.identity, '/', 2) as namespace,
        split_part(asked.identity, '/', 3) as name,
        object.object,
        settings.cluster_domain,
        settings.root_namespace
    from asked
    cross join cluster_settings as settings
    left join objects_now as object
        on
            split_part(asked.identity, '/', 1) = object.kind
            and split_part(asked.identity, '/', 2) = coalesce(object.namespace, '')
            and split_part(asked.identity, '/', 3) = object.name
),

written_hosts as (
    select
        identity,
        namespace,
        cluster_domain,
        unnest(
            list_concat(
                coalesce(json_extract_string(object, '$.spec.hosts[*]'), []),
                [object ->> '$.spec.host'],
                coalesce(json_extract_string(object, '$.spec.http[*].route[*].destination.host'), []),
                coalesce(json_extract_string(object, '$.spec.tcp[*].route[*].destination.host'), []),
                coalesce(json_extract_string(object, '$.spec.tls[*].route[*].destination.host'), [])
            )
        ) as written
    from found
    where kind in ('VirtualService', 'DestinationRule')
),

object_hosts as (
    select distinct
        identity,
        qualified_host(written, namespace, cluster_domain) as host
    from written_hosts
    where written is not null
    union
    select
        found.identity,
        services.host
    from found
    inner join services
        on found.kind = services.kind and found.namespace = services.namespace and found.name = services.name
),

selectors as (
    select
        identity,
        kind,
        if(namespace = root_namespace and not json_exists(object, '$.spec.selector'), null, namespace) as namespace,
        coalesce(
            try_cast(object -> '$.spec.workloadSelector.labels' as map (varchar, varchar)),
            try_cast(object -> '$.spec.selector.matchLabels' as map (varchar, varchar)),
            try_cast(object -> '$.spec.selector' as map (varchar, varchar)),
            map([]::varchar[], []::varchar[])
        ) as selector
    from found
    where
        kind in (
            'AuthorizationPolicy', 'EnvoyFilter', 'Gateway', 'PeerAuthentication', 'RequestAuthentication', 'Sidecar',
            'Telemetry', 'WasmPlugin'
        )
),

object_workloads as (
    select distinct
        selectors.identity,
        selectors.kind,
        pods.namespace,
        pods.workload
    from selectors
    inner join pods
        on
            -- A Gateway's selector looks into all namespaces.
            (selectors.kind = 'Gateway' or selectors.namespace is null or selectors.namespace = pods.namespace)
            and len(
                list_filter(
                    map_entries(selectors.selector),
                    lambda wanted: pods.labels[wanted.key] is distinct from wanted.value
                )
            ) = 0
    union
    select
        found.identity,
        found.kind,
        pods.namespace,
        pods.workload
    from found
    inner join pods
        on
            found.namespace = pods.namespace
            and (
                (found.kind = pods.workload_kind and found.name = pods.workload)
                or (found.kind = 'Pod' and found.name = pods.pod)
            )
    union
    select
        found.identity,
        found.kind,
        pods.namespace,
        pods.workload
    from found
    inner join pods on found.name = pods.namespace
    where found.kind = 'Namespace'
),

touched as (
    select
        object_hosts.identity,
        edges.*
    from object_hosts
    inner join edges on object_hosts.host = edges.callee
    union
    select
        served.identity,
        edges.*
    from object_workloads as served
    inner join edges
        on served.namespace = edges.callee_pod_namespace and served.workload = edges.callee_workload
    where served.kind not in ('Sidecar', 'Gateway')
    union
    select
        made.identity,
        edges.*
    from object_workloads as made
    inner join edges on made.namespace = edges.caller_namespace and made.workload = edges.caller
    where
        made.kind in (
            'Sidecar', 'Gateway', 'EnvoyFilter', 'Telemetry', 'Namespace', 'Pod', 'Deployment', 'StatefulSet', 'DaemonSet',
            'Job', 'ReplicaSet'
        )
)

select
    asked.identity,
    coalesce(sum(touched.calls), 0)::bigint as calls,
    coalesce(sum(touched.failures), 0)::bigint as failures,
    count(distinct concat_ws('/', touched.caller_namespace, touched.caller)) filter (where touched.calls is not null)
        as callers,
    count(distinct touched.callee) as callees
from asked
left join touched on asked.identity = touched.identity
group by asked.identity
order by asked.identity asc
