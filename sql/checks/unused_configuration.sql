-- purpose: Configuration that no call used in the whole window: hosts of ServiceEntries, hosts of DestinationRules and
--          their subsets, hosts of VirtualServices. Only where the window is long enough.
-- kind: check
-- reads: calls, objects_now, services, cluster_settings, qualified_host, host_matches
-- grain: one host or subset of one object
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_window INTERVAL
with seen as (
    select
        callee,
        subset,
        min(start_time) as first_seen,
        max(start_time) as last_seen
    from calls
    where
        ($since is null or start_time >= $since)
        and ($until is null or start_time < $until)
    group by callee, subset
),

observed as (
    select
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from seen
),

written as (
    select
        kind,
        namespace,
        name,
        created_at,
        unnest(json_extract_string(object, '$.spec.hosts[*]')) as host,
        null as subset,
        'spec/hosts' as path
    from objects_now
    where
        kind = 'ServiceEntry'
        -- A VirtualService for a gateway is used by calls from outside, which have other names.
        or (kind = 'VirtualService' and not json_exists(object, '$.spec.gateways'))
    union all
    select
        kind,
        namespace,
        name,
        created_at,
        object ->> '$.spec.host' as host,
        null as subset,
        'spec/host' as path
    from objects_now
    where kind = 'DestinationRule'
    union all
    select
        kind,
        namespace,
        name,
        created_at,
        object ->> '$.spec.host' as host,
        unnest(json_extract_string(object, '$.spec.subsets[*].name')) as subset,
        'spec/subsets' as path
    from objects_now
    where kind = 'DestinationRule'
),

qualified as (
    select
        written.* exclude (host),
        qualified_host(written.host, written.namespace, settings.cluster_domain) as callee
    from written
    cross join cluster_settings as settings
    where written.host is not null and (len($namespaces) = 0 or list_contains($namespaces, written.namespace))
)

select
    qualified.kind,
    qualified.namespace,
    qualified.name,
    qualified.callee,
    qualified.subset,
    qualified.path,
    observed.first_seen,
    observed.last_seen
from qualified
cross join observed
where
    observed.last_seen - observed.first_seen >= $minimum_window
    -- What is younger than the window had no time to be used.
    and coalesce(qualified.created_at <= observed.first_seen, true)
    and not exists (
        select 1 from seen
        where
            (qualified.callee = seen.callee or (qualified.callee like '*%' and host_matches(qualified.callee, seen.callee)))
            and (qualified.subset is null or qualified.subset = seen.subset)
    )
    -- A subset of a host that nobody calls is told by the host.
    and (
        qualified.subset is null
        or exists (select 1 from seen
where qualified.callee = seen.callee)
    )
order by qualified.kind asc, qualified.namespace asc, qualified.name asc, qualified.callee asc, qualified.subset asc
