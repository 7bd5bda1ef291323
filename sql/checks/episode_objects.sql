-- purpose: The object at fault of each episode, where it can be told: the one whose setting makes that cause, in force
--          while calls failed, the newest change first; the policy that the log line names; the workload or Service
--          itself where the fault is its own. Two candidates alike and neither new: none is blamed.
-- kind: table
-- reads: failure_episodes, cause_settings, destination_settings, workload_policies, subset_backends, endpoint_gaps, pods,
--        mesh_objects, host_matches
-- grain: one episode with an object
-- params: none
with configured as (
    select
        episode.episode,
        setting.kind,
        setting.namespace,
        setting.name,
        setting.path,
        setting.valid_from,
        setting.source,
        setting.source_offset,
        wanted.only_if_new,
        case when setting.host = episode.callee then 1 else 0 end as rank
    from failure_episodes as episode
    inner join cause_settings as wanted on episode.cause = wanted.cause and wanted.applies_to = 'host'
    inner join destination_settings as setting
        on
            wanted.kind = setting.kind
            and wanted.setting = setting.setting
            and host_matches(setting.host, episode.callee)
    where
        setting.valid_from <= episode.last_seen
        and coalesce(setting.valid_to >= episode.first_seen, true)
    union all
    select
        episode.episode,
        policy.kind,
        policy.namespace,
        policy.name,
        policy.path,
        policy.valid_from,
        policy.source,
        policy.source_offset,
        wanted.only_if_new,
        policy.rank
    from failure_episodes as episode
    inner join cause_settings as wanted on episode.cause = wanted.cause and wanted.applies_to <> 'host'
    inner join pods as workload
        on
            workload.namespace = if(wanted.applies_to = 'callee', episode.pod_namespace, episode.caller_namespace)
            and workload.pod = if(wanted.applies_to = 'callee', episode.pod, episode.caller_pod)
    inner join workload_policies as policy
        on
            wanted.kind = policy.kind
            and wanted.setting = policy.setting
            and (workload.namespace = policy.namespace or policy.is_mesh_wide)
            and len(
                list_filter(
                    map_entries(policy.selector), lambda label: workload.labels[label.key] is distinct from label.value
                )
            ) = 0
    where
        policy.valid_from <= episode.last_seen
        and coalesce(policy.valid_to >= episode.first_seen, true)
    union all
    select
        episode.episode,
        'DestinationRule' as kind,
        subset.namespace,
        subset.name,
        subset.path || '/labels' as path,
        subset.valid_from,
        subset.source,
        subset.source_offset,
        false as only_if_new,
        1 as rank
    from failure_episodes as episode
    inner join subset_backends as subset on episode.callee = subset.host and episode.subset = subset.subset
    where
        episode.cause = 'empty_subset'
        and subset.valid_from <= episode.last_seen
        and coalesce(subset.valid_to >= episode.first_seen, true)
),

recent as (
    select
        configured.*,
        -- Proxies get a change within seconds; a failure that starts this soon after one is that change's.
        configured.valid_from between episode.first_seen - interval 15 seconds and episode.first_seen + interval 2 seconds
            as is_new
    from configured
    inner join failure_episodes as episode on configured.episode = episode.episode
),

-- The newest version of an object speaks for it.
ranked as (
    select
        *,
        dense_rank() over (partition by episode order by is_new desc, rank desc) as place
    from recent
    where is_new or not only_if_new
    qualify row_number() over (
        partition by episode, kind, namespace, name
        order by is_new desc, valid_from desc, path asc
    ) = 1
),

blamed as (
    select
        episode,
        any_value(kind) as kind,
        any_value(namespace) as namespace,
        any_value(name) as name,
        any_value(path) as path,
        any_value(case when is_new then valid_from end) as changed_at,
        any_value(source) as source,
        any_value(source_offset) as source_offset
    from ranked
    where place = 1
    group by episode
    having count(*) = 1
),

-- rbac_access_denied_matched_policy[ns[x]-policy[y]-rule[0]]
named_policies as (
    select
        episode,
        'AuthorizationPolicy' as kind,
        regexp_extract(details, 'ns\[([a-z0-9.-]+)\]', 1) as namespace,
        regexp_extract(details, 'policy\[([a-z0-9.-]+)\]', 1) as name,
        'spec/rules[' || regexp_extract(details, 'rule\[([0-9]+)\]', 1) || ']' as path,
        null::timestamptz as changed_at,
        null::varchar as source,
        null::bigint as source_offset
    from failure_episodes
    where cause = 'rbac_denied' and regexp_matches(details, 'ns\[[a-z0-9.-]+\]-policy\[[a-z0-9.-]+\]-rule\[[0-9]+\]')
),

emptied_services as (
    select
        episode.episode,
        'Service' as kind,
        gap.namespace,
        gap.service as name,
        'spec/selector' as path,
        max(case when gap.is_change then gap.empty_from end) as changed_at,
        null::varchar as source,
        null::bigint as source_offset
    from failure_episodes as episode
    inner join endpoint_gaps as gap on episode.callee = gap.host
    where
        episode.cause = 'no_endpoints'
        and gap.empty_from <= episode.last_seen
        and gap.empty_to >= episode.first_seen
    group by episode.episode, gap.namespace, gap.service
),

workloads as (
    select
        episode,
        coalesce(workload_kind, 'Workload') as kind,
        pod_namespace as namespace,
        workload as name,
        null::varchar as path,
        null::timestamptz as changed_at,
        null::varchar as source,
        null::bigint as source_offset
    from failure_episodes
    where
        workloads = 1
        and workload_kind is not null
        and side in ('callee_application', 'callee_proxy')
        and cause <> 'outlier_ejection'
)

select
    *,
    'setting' as found_by
from blamed
union all
select
    *,
    'log line' as found_by
from named_policies
union all
select
    *,
    'endpoints' as found_by
from emptied_services
union all
select
    *,
    'workload' as found_by
from workloads
where episode not in (select blamed.episode from blamed)
