-- purpose: Episodes of failure with the facts that tell one cause from another: were the called pods gone, had the
--          Service no endpoint, had the subset no pod, was outlier detection in force and had it errors to act on, have
--          the callees a sidecar, is the host declared and does a Sidecar narrow what the caller sees. `cause` is the
--          finest class these facts allow, `logged_cause` what the log line alone says.
-- kind: table
-- reads: episode_calls, failing_calls, pod_absences, endpoint_gaps, subset_backends, destination_settings,
--        workload_policies, sidecar_egress, pods, services, host_matches
-- grain: one episode
-- params: none
with calls_of as (
    select
        episode.episode,
        episode.signature,
        episode.burst,
        episode.is_sporadic,
        call.*,
        exists(
            select 1 from pod_absences as absence
            where
                absence.pod = call.callee_pod
                and absence.namespace = call.callee_pod_namespace
                -- The proxy may go a little before the API tells of it.
                and call.end_time >= absence.gone_from - interval 2 seconds
                and (absence.gone_to is null or call.start_time <= absence.gone_to)
        ) as pod_was_gone
    from episode_calls as episode
    inner join failing_calls as call on episode.call_id = call.call_id
),

episodes as (
    select
        episode,
        any_value(signature) as signature,
        any_value(cause) as logged_cause,
        any_value(side) as logged_side,
        any_value(scope) as scope,
        any_value(decided_by) as decided_by,
        any_value(callee) as callee,
        any_value(callee_namespace) as callee_namespace,
        any_value(callee_kind) as callee_kind,
        any_value(port) as port,
        any_value(protocol) as protocol,
        any_value(details_class) as details_class,
        list_filter(any_value(flags), lambda flag: flag <> 'URX') as flags,
        min(start_time) as first_seen,
        max(end_time) as last_seen,
        count(*) as failures,
        count(distinct burst) as bursts,
        any_value(is_sporadic) as is_sporadic,
        mode(subset) as subset,
        mode(route_kind) as route_kind,
        bool_and(server_response_code is null and server_response_flags is null) as unseen_by_callee,
        mode(details) as details,
        bool_and(caller_kind = 'workload') as from_workloads,
        mode(caller_namespace) as caller_namespace,
        mode(caller_pod) as caller_pod,
        mode(callee_pod_namespace) as pod_namespace,
        mode(callee_pod) as pod,
        count(distinct callee_workload) as workloads,
        any_value(callee_workload) as workload,
        avg(pod_was_gone::double) as share_pod_gone
    from calls_of
    group by episode
),

-- The Sidecar that applies to the caller: the narrowest one, and what it lets through of the callee.
scopes_in_force as (
    select
        episode.episode,
        coalesce(
            scope.pattern is not null
            and (
                scope.in_namespace in ('*', episode.callee_namespace)
                or (scope.in_namespace = '.' and episode.callee_namespace = episode.caller_namespace)
            )
            and host_matches(scope.pattern, episode.callee),
            false
        ) as covers
    from episodes as episode
    inner join pods as caller on episode.caller_namespace = caller.namespace and episode.caller_pod = caller.pod
    inner join sidecar_egress as scope
        on
            (scope.is_mesh_wide or caller.namespace = scope.namespace)
            and len(
                list_filter(
                    map_entries(scope.selector), lambda wanted: caller.labels[wanted.key] is distinct from wanted.value
                )
            ) = 0
            and episode.last_seen >= scope.valid_from
            and coalesce(episode.first_seen <= scope.valid_to, true)
    qualify dense_rank() over (partition by episode.episode order by scope.rank desc) = 1
),

facts as (
    select
        episode.*,
        pods.has_sidecar as callee_has_sidecar,
        pods.workload_kind,
        exists(
            select 1 from endpoint_gaps as gap
            where
                gap.host = episode.callee
                and gap.empty_from <= episode.last_seen
                and gap.empty_to >= episode.first_seen
        ) as endpoints_empty,
        exists(
            select 1 from subset_backends as subset
            where
                subset.host = episode.callee
                and subset.subset = episode.subset
                and subset.host_has_backends
                and subset.pods_ever + subset.endpoints = 0
                and subset.valid_from <= episode.last_seen
                and coalesce(subset.valid_to >= episode.first_seen, true)
        ) as subset_empty,
        exists (
            select 1 from destination_settings as setting
            where
                setting.setting = 'outlier_detection'
                and host_matches(setting.host, episode.callee)
                and setting.valid_from <= episode.last_seen
                and coalesce(setting.valid_to >= episode.first_seen, true)
        )
        and exists (
            select 1 from failing_calls as earlier
            where
                earlier.callee = episode.callee
                and earlier.start_time between episode.first_seen - interval 60 seconds and episode.first_seen
                and earlier.cause in (
                    'application_error', 'retries_exhausted', 'connection_refused', 'connection_failed',
                    'connection_timeout', 'upstream_closed', 'upstream_reset', 'upstream_protocol_error',
                    'route_timeout', 'per_try_timeout'
                )
        ) as hosts_ejected,
        exists(
            select 1 from destination_settings as setting
            where
                setting.setting = 'tls_disable'
                and host_matches(setting.host, episode.callee)
                and setting.valid_from <= episode.last_seen
                and coalesce(setting.valid_to >= episode.first_seen, true)
        ) as sent_in_plaintext,
        exists(
            select 1 from workload_policies as strict
            where
                strict.setting = 'strict'
                and (strict.namespace = episode.pod_namespace or strict.is_mesh_wide)
                and len(
                    list_filter(
                        map_entries(strict.selector), lambda wanted: pods.labels[wanted.key] is distinct from wanted.value
                    )
                ) = 0
                and strict.valid_from <= episode.last_seen
                and coalesce(strict.valid_to >= episode.first_seen, true)
                and not exists (
                    -- A narrower PeerAuthentication wins.
                    select 1 from workload_policies as looser
                    where
                        looser.kind = 'PeerAuthentication'
                        and looser.setting <> 'strict'
                        and looser.rank > strict.rank
                        and looser.namespace = episode.pod_namespace
                        and len(
                            list_filter(
                                map_entries(looser.selector),
                                lambda wanted: pods.labels[wanted.key] is distinct from wanted.value
                            )
                        ) = 0
                        and looser.valid_from <= episode.last_seen
                        and coalesce(looser.valid_to >= episode.first_seen, true)
                )
        ) as callee_is_strict,
        exists(
            select 1 from services
            where services.host = episode.callee
        ) as is_declared,
        exists(
            select 1 from workload_policies as disabled
            where
                disabled.kind = 'PeerAuthentication'
                and disabled.setting = 'disable'
                and (disabled.namespace = episode.pod_namespace or disabled.is_mesh_wide)
                and len(
                    list_filter(
                        map_entries(disabled.selector),
                        lambda wanted: pods.labels[wanted.key] is distinct from wanted.value
                    )
                ) = 0
                and disabled.valid_from <= episode.last_seen
                and coalesce(disabled.valid_to >= episode.first_seen, true)
        ) as callee_is_disabled,
        exists(
            select 1 from destination_settings as setting
            where
                setting.setting = 'tls_originate'
                and host_matches(setting.host, episode.callee)
                and setting.valid_from <= episode.last_seen
                and coalesce(setting.valid_to >= episode.first_seen, true)
        ) as sent_in_tls,
        exists(
            select 1 from destination_settings as setting
            where
                setting.setting = 'tls_names'
                and host_matches(setting.host, episode.callee)
                and setting.valid_from between episode.first_seen - interval 15 seconds
                and episode.first_seen + interval 2 seconds
        ) as names_are_new,
        exists(
            select 1 from scopes_in_force as scope
            where scope.episode = episode.episode
            group by scope.episode
            having not bool_or(scope.covers)
                ) as caller_is_scoped
    from episodes as episode
    left join pods on episode.pod_namespace = pods.namespace and episode.pod = pods.pod
)

select
    *,
    case
        when
            share_pod_gone >= 0.5
            and decided_by = 'client'
            and logged_cause in (
                'connection_refused', 'connection_failed', 'connection_timeout', 'network_unreachable', 'upstream_closed',
                'upstream_reset'
            )
            then 'pod_gone'
        when logged_cause = 'no_healthy_endpoint' and subset_empty then 'empty_subset'
        when logged_cause = 'no_healthy_endpoint' and endpoints_empty then 'no_endpoints'
        when logged_cause = 'no_healthy_endpoint' and hosts_ejected then 'outlier_ejection'
        when logged_cause = 'tls_to_plaintext' and callee_has_sidecar then 'tls_to_disabled_mtls'
        -- A TCP proxy logs no reason for a handshake that failed; configuration tells what became of it.
        when logged_cause = 'connection_failed' and protocol = 'tcp' and decided_by = 'client' and callee_is_disabled
            then 'tls_to_disabled_mtls'
        when logged_cause = 'connection_failed' and protocol = 'tcp' and decided_by = 'client' and names_are_new
            then 'certificate_mismatch'
        when
            logged_cause = 'connection_failed' and protocol = 'tcp' and decided_by = 'client'
            and sent_in_tls and not coalesce(callee_has_sidecar, true)
            then 'tls_to_plaintext'
        when
            decided_by = 'client'
            and unseen_by_callee
            and logged_cause in ('upstream_closed', 'upstream_reset', 'connection_failed')
            and sent_in_plaintext
            and callee_is_strict
            then 'plaintext_to_strict_mtls'
        when
            (
                logged_cause in ('route_not_found', 'blocked_egress')
                -- A proxy that does not see a declared host sends its requests to the address as it is.
                or (
                    route_kind = 'passthrough'
                    and logged_cause in (
                        'no_healthy_endpoint', 'connection_refused', 'connection_failed', 'connection_timeout',
                        'upstream_closed', 'upstream_reset'
                    )
                )
            )
            and decided_by = 'client'
            and is_declared
            and from_workloads
            and caller_is_scoped
            then 'out_of_scope'
        else logged_cause
    end as cause,
    case
        when
            cause in (
                'no_endpoints', 'empty_subset', 'tls_to_disabled_mtls', 'tls_to_plaintext', 'certificate_mismatch',
                'plaintext_to_strict_mtls', 'out_of_scope'
            )
            then 'configuration'
        when cause in ('pod_gone', 'outlier_ejection') then 'callee_application'
        when cause = 'no_healthy_endpoint' then 'unknown'
        when logged_side = 'callee_proxy' and not coalesce(callee_has_sidecar, true) then 'callee_application'
        else coalesce(logged_side, 'unknown')
    end as side,
    -- A fault that comes back again and again: the newest episodes are told and the rest are counted.
    row_number() over (partition by signature order by first_seen desc, episode desc) as newest_first,
    count(*) over (partition by signature) as alike
from facts
