-- purpose: Calls to the hosts of a VirtualService or DestinationRule in the five minutes before and after it changed.
-- kind: check
-- reads: calls, destination_settings, object_versions, asked_for
-- grain: one change of one object and one host
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with changes as (
    select distinct
        setting.kind,
        setting.namespace,
        setting.name,
        setting.host,
        setting.valid_from as changed_at
    from destination_settings as setting
    inner join object_versions as version
        on
            setting.kind = version.kind
            and setting.namespace is not distinct from version.namespace
            and setting.name = version.name
            and setting.valid_from = version.valid_from
    where
        -- The first version that is known may be as old as the object.
        (version.version_number > 1 or version.event = 'ADDED')
),

near as (
    select
        changes.*,
        calls.start_time,
        calls.is_error,
        calls.duration_ms,
        calls.callee_namespace,
        coalesce(calls.caller, 'unknown') as caller,
        calls.start_time >= changes.changed_at as is_after
    from changes
    inner join calls
        on
            changes.host = calls.callee
            and calls.start_time >= changes.changed_at - interval 5 minutes
            and calls.start_time < changes.changed_at + interval 5 minutes
    where asked_for(calls.start_time, calls.caller_namespace, calls.callee_namespace, $since, $until, $namespaces)
)

select
    kind,
    namespace,
    name,
    host as callee,
    changed_at,
    count(*) filter (where not is_after) as calls_before,
    count(*) filter (where not is_after and is_error) as failures_before,
    count(*) filter (where is_after) as calls_after,
    count(*) filter (where is_after and is_error) as failures_after,
    median(duration_ms) filter (where not is_after and not is_error)::double as median_ms_before,
    median(duration_ms) filter (where is_after and not is_error)::double as median_ms_after,
    list(distinct caller order by caller) as callers,
    min(start_time) as first_seen,
    max(start_time) as last_seen
from near
group by kind, namespace, name, host, changed_at
having
    count(*) filter (where not is_after) >= $minimum_samples
    and count(*) filter (where is_after) >= $minimum_samples
order by changed_at asc, kind asc, namespace asc, name asc, host asc
