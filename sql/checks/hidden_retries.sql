-- purpose: Retries that succeeded: an upstream cluster's retry counter grew while no logged call of that proxy to that
--          host failed. Access logs show such calls as successes. Steps that follow each other within a scrape and five
--          seconds are one episode; pods of the host that were deleted meanwhile say why.
-- kind: check
-- reads: proxy_counter_steps, failing_calls, pods, pod_absences, service_backends, declared_hosts
-- grain: one episode at one host
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
with retries as (
    select
        step.namespace as caller_namespace,
        step.pod as caller_pod,
        coalesce(pods.workload, step.pod, 'unknown') as caller,
        step.callee,
        step.since,
        step.time,
        step.increase as retries
    from proxy_counter_steps as step
    left join pods on step.namespace = pods.namespace and step.pod = pods.pod
    where
        step.metric = 'envoy_cluster_upstream_rq_retry'
        and step.callee is not null
        and ($since is null or step.time >= $since)
        and ($until is null or step.since < $until)
),

-- The proxy gave up on a call: the metrics themselves say that not all retries succeeded.
exceeded as (
    select distinct
        namespace,
        pod,
        callee,
        time
    from proxy_counter_steps
    where metric in ('envoy_cluster_upstream_rq_retry_limit_exceeded', 'envoy_cluster_upstream_rq_retry_overflow')
),

hidden as (
    select retries.*
    from retries
    where
        not exists (
            select 1 from exceeded
            where
                retries.caller_namespace is not distinct from exceeded.namespace
                and retries.caller_pod is not distinct from exceeded.pod
                and retries.callee = exceeded.callee
                and retries.time = exceeded.time
        )
        and not exists (
            select 1 from failing_calls as failure
            where
                retries.callee = failure.callee
                and retries.caller_pod is not distinct from failure.caller_pod
                and failure.end_time > retries.since
                and failure.start_time <= retries.time
        )
),

parted as (
    select
        *,
        coalesce(
            since > max(time) over (
                partition by callee
                order by time asc, since asc, caller_pod asc
                rows between unbounded preceding and 1 preceding
            ) + interval 5 seconds,
            true
        ) as is_first
    from hidden
),

numbered as (
    select
        *,
        sum(is_first::integer) over (partition by callee order by time asc, since asc, caller_pod asc) as episode
    from parted
),

callers as (
    select
        callee,
        episode,
        caller_namespace,
        caller,
        sum(retries)::bigint as retries
    from numbered
    group by callee, episode, caller_namespace, caller
),

episodes as (
    select
        callee,
        episode,
        min(since) as first_seen,
        -- The last step may have begun and ended right after the scrape before it.
        greatest(min(time), max(since)) as last_seen,
        max(time) as not_after,
        sum(retries)::bigint as retries,
        count(distinct caller_pod) as proxies
    from numbered
    group by callee, episode
),

edges as (
    select
        callee,
        episode,
        list(
            { 'caller': caller, 'caller_namespace': caller_namespace, 'retries': retries }
            order by retries desc, caller asc
        ) as edges
    from callers
    group by callee, episode
),

departures as (
    select distinct
        episode.callee,
        episode.episode,
        backend.namespace,
        backend.workload,
        pods.workload_kind,
        absence.pod,
        absence.gone_from
    from episodes as episode
    inner join service_backends as backend on episode.callee = backend.host
    inner join pods on backend.namespace = pods.namespace and backend.pod = pods.pod
    inner join pod_absences as absence
        on
            episode.not_after >= absence.gone_from
            and backend.namespace = absence.namespace
            and backend.pod = absence.pod
            and coalesce(absence.gone_to, timestamptz 'infinity') >= episode.first_seen
            -- Gone long before is not gone meanwhile.
            and absence.gone_from >= episode.first_seen - interval 15 seconds
),

departed as (
    select
        callee,
        episode,
        list(distinct pod order by pod asc) as pods,
        min(gone_from) as gone_from,
        count(distinct namespace || '/' || workload) as workloads,
        any_value(namespace) as workload_namespace,
        any_value(workload) as workload,
        any_value(workload_kind) as workload_kind
    from departures
    group by callee, episode
)

select
    episode.callee,
    declared.namespace as callee_namespace,
    episode.first_seen,
    episode.last_seen,
    episode.not_after,
    episode.retries,
    episode.proxies,
    edges.edges,
    coalesce(departed.pods, []) as departed_pods,
    departed.gone_from,
    case when departed.workloads = 1 then departed.workload_kind end as workload_kind,
    case when departed.workloads = 1 then departed.workload_namespace end as workload_namespace,
    case when departed.workloads = 1 then departed.workload end as workload
from episodes as episode
inner join edges on episode.callee = edges.callee and episode.episode = edges.episode
left join departed on episode.callee = departed.callee and episode.episode = departed.episode
left join declared_hosts as declared on episode.callee = declared.host
where
    len($namespaces) = 0
    or list_contains($namespaces, declared.namespace)
    or list_has_any($namespaces, list_transform(edges.edges, lambda edge: edge.caller_namespace))
order by episode.first_seen asc, episode.callee asc
