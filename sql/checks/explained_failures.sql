-- purpose: Episodes of failing calls with everything a reader needs to believe them: edges and how many of their calls
--          failed meanwhile, the calls that failed because of these, what both proxies logged, which requests.
-- kind: check
-- reads: calls, failing_calls, failure_roots, episode_calls, failure_episodes, episode_objects
-- grain: one episode
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
with told as (
    select * from failure_episodes
    where
        newest_first <= 20
        and ($since is null or last_seen >= $since)
        and ($until is null or first_seen < $until)
),

members as (
    -- The root calls, and calls whose connection broke for the same reason.
    select
        episode.episode,
        call.*
    from failing_calls as call
    inner join failure_roots as root on call.call_id = root.call_id
    inner join episode_calls as episode on root.root_id = episode.call_id
    inner join told on episode.episode = told.episode
    where root.hops = 0 or (root.hops = 1 and root.link = 'connection')
),

named_members as (
    select * from members
    qualify caller <> 'unknown' or bool_and(caller = 'unknown') over (partition by episode)
),

member_edges as (
    select
        episode,
        caller_namespace,
        caller,
        caller_kind,
        callee,
        count(*) as failures
    from named_members
    group by episode, caller_namespace, caller, caller_kind, callee
),

-- With its times at hand an edge meets only its own calls; left to itself the planner compares times first.
timed_edges as materialized (
    select
        member_edges.episode,
        member_edges.caller_namespace,
        member_edges.caller,
        member_edges.callee,
        told.first_seen,
        told.last_seen
    from member_edges
    inner join told on member_edges.episode = told.episode
),

traffic as (
    select
        edge.episode,
        edge.caller_namespace,
        edge.caller,
        edge.callee,
        count(*) as calls,
        count(*) filter (where calls.reporter = 'both') as seen_by_both,
        count(*) filter (where calls.reporter = 'source') as seen_by_caller
    from timed_edges as edge
    inner join calls
        on
            edge.caller = coalesce(calls.caller, 'unknown')
            and edge.caller_namespace is not distinct from calls.caller_namespace
            and edge.callee = coalesce(calls.callee, 'unknown')
    where
        calls.start_time <= edge.last_seen
        and calls.end_time >= edge.first_seen
    group by edge.episode, edge.caller_namespace, edge.caller, edge.callee
),

edges as (
    select
        member_edges.episode,
        list(
            {
                'caller': member_edges.caller,
                'caller_namespace': member_edges.caller_namespace,
                'callee': member_edges.callee,
                'failures': member_edges.failures,
                'calls': coalesce(traffic.calls, member_edges.failures)
            }
            order by member_edges.failures desc, member_edges.caller asc
        ) as edges,
        sum(member_edges.failures)::bigint as edge_failures,
        sum(coalesce(traffic.calls, member_edges.failures))::bigint as edge_calls,
        sum(coalesce(traffic.seen_by_both, 0))::bigint as seen_by_both,
        sum(coalesce(traffic.seen_by_caller, 0))::bigint as seen_by_caller
    from member_edges
    left join traffic
        on
            member_edges.episode = traffic.episode
            and member_edges.caller = traffic.caller
            and member_edges.caller_namespace is not distinct from traffic.caller_namespace
            and member_edges.callee = traffic.callee
    group by member_edges.episode
),

affected_edges as (
    select
        episode.episode,
        call.caller,
        call.callee,
        any_value(root.link) as link,
        min(root.hops) as hops,
        count(*) as failures
    from failing_calls as call
    inner join failure_roots as root on call.call_id = root.call_id
    inner join episode_calls as episode on root.root_id = episode.call_id
    inner join told on episode.episode = told.episode
    where root.hops > 0 and root.link not in ('connection', 'handshake')
    group by episode.episode, call.caller, call.callee
),

affected as (
    select
        episode,
        list(
            { 'caller': caller, 'callee': callee, 'failures': failures, 'link': link, 'hops': hops }
            order by hops asc, failures desc, caller asc
        ) as affected
    from affected_edges
    group by episode
),

what_was_logged as (
    select
        episode,
        histogram(coalesce(response_code::varchar, '-')) as caller_codes,
        histogram(coalesce(response_flags, '-')) as caller_flags,
        histogram(coalesce(left(response_code_details, 300), '-')) as caller_details,
        histogram(coalesce(server_response_code::varchar, '-')) as callee_codes,
        histogram(coalesce(server_response_flags, '-')) as callee_flags,
        histogram(coalesce(left(server_response_code_details, 300), '-')) as callee_details,
        histogram(coalesce(left(transport_failure, 300), '-')) as transport_failures,
        list(distinct callee_workload order by callee_workload) as workloads,
        list(distinct callee_pod order by callee_pod) as pods,
        median(duration_ms) as median_ms,
        max(duration_ms) as longest_ms
    from members
    group by episode
),

first_requests as (
    select * from named_members
    qualify row_number() over (partition by episode order by start_time asc, call_id asc) <= 5
),

samples as (
    select
        episode,
        list(
            {
                'request_id': request_id,
                'start_time': start_time,
                'caller': caller,
                'callee': callee,
                'source': source,
                'source_offset': source_offset
            }
            order by start_time asc, call_id asc
        ) as samples
    from first_requests
    group by episode
)

select
    episode.cause,
    episode.logged_cause,
    episode.side,
    episode.scope,
    episode.decided_by,
    episode.callee,
    episode.callee_namespace,
    episode.callee_kind,
    episode.port,
    episode.protocol,
    episode.subset,
    episode.flags,
    episode.details_class,
    episode.first_seen,
    episode.last_seen,
    episode.pod_namespace,
    episode.workload,
    object.kind as object_kind,
    object.namespace as object_namespace,
    object.name as object_name,
    object.path as object_path,
    object.changed_at as object_changed_at,
    object.found_by as object_found_by,
    object.source as object_source,
    object.source_offset as object_source_offset,
    edges.edges,
    edges.edge_failures,
    edges.edge_calls,
    edges.seen_by_both,
    edges.seen_by_caller,
    if(episode.newest_first = 1, greatest(episode.alike - 20, 0), 0) as older_episodes,
    episode.bursts,
    episode.is_sporadic,
    coalesce(affected.affected, []) as affected,
    samples.samples,
    what_was_logged.* exclude (episode)
from told as episode
inner join edges on episode.episode = edges.episode
inner join samples on episode.episode = samples.episode
inner join what_was_logged on episode.episode = what_was_logged.episode
left join affected on episode.episode = affected.episode
left join episode_objects as object on episode.episode = object.episode
where
    len($namespaces) = 0
    or list_contains($namespaces, episode.callee_namespace)
    or list_has_any($namespaces, list_transform(edges.edges, lambda edge: edge.caller_namespace))
order by episode.first_seen, episode.callee, episode.cause
