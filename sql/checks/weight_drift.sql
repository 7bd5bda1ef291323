-- purpose: How calls were split over the weighted destinations of a VirtualService, while that version was in force.
--          Only VirtualServices with one HTTP route: of several it is not known which one a call took.
-- kind: check
-- reads: calls, object_versions, cluster_settings, qualified_host, name_without_port, service_names, asked_for
-- grain: one version of one VirtualService
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[], minimum_samples BIGINT
with versions as (
    select
        version.namespace,
        version.name,
        version.valid_from,
        version.valid_to,
        version.object_json::json as object,
        settings.cluster_domain
    from object_versions as version
    cross join cluster_settings as settings
    where version.kind = 'VirtualService' and version.api_group = 'networking.istio.io'
),

single as (
    select *
    from versions
    where
        json_array_length(object -> '$.spec.http') = 1
        and json_array_length(object -> '$.spec.http[0].route') > 1
),

hosts as (
    select
        namespace,
        name,
        valid_from,
        qualified_host(unnest(json_extract_string(object, '$.spec.hosts[*]')), namespace, cluster_domain) as host
    from single
),

first_hosts as (
    select * from hosts
    qualify row_number() over (partition by namespace, name, valid_from order by host asc) = 1
),

parts as (
    select
        namespace,
        name,
        valid_from,
        valid_to,
        cluster_domain,
        unnest(object -> '$.spec.http[0].route[*]') as part
    from single
),

destinations as (
    select
        namespace,
        name,
        valid_from,
        valid_to,
        qualified_host(part ->> '$.destination.host', namespace, cluster_domain) as host,
        part ->> '$.destination.subset' as subset,
        sum(coalesce(try_cast(part ->> '$.weight' as bigint), 0))::bigint as weight
    from parts
    group by all
),

counted as (
    select
        destination.namespace,
        destination.name,
        destination.valid_from,
        destination.host,
        destination.subset,
        any_value(destination.weight) as weight,
        count(calls.start_time) as calls,
        min(calls.start_time) as first_seen,
        max(calls.start_time) as last_seen
    from destinations as destination
    left join calls
        on
            destination.host = calls.callee
            and destination.subset is not distinct from calls.subset
            and destination.valid_from <= calls.start_time
            and (destination.valid_to is null or destination.valid_to > calls.start_time)
            and calls.protocol <> 'tcp'
            and calls.route_kind = 'registry'
            and asked_for(
                calls.start_time, calls.caller_namespace, calls.callee_namespace, $since, $until, $namespaces
            )
            -- A call that named a destination itself did not take the route.
            and exists (
                select 1
                from hosts
                left join service_names as names
                    on
                        name_without_port(calls.authority) = names.spelled
                        and (names.caller_namespace is null or calls.caller_namespace = names.caller_namespace)
                where
                    destination.namespace = hosts.namespace
                    and destination.name = hosts.name
                    and destination.valid_from = hosts.valid_from
                    and (calls.authority is null or coalesce(names.host, name_without_port(calls.authority)) = hosts.host)
            )
    group by destination.namespace, destination.name, destination.valid_from, destination.host, destination.subset
)

select
    counted.namespace,
    counted.name,
    counted.valid_from,
    any_value(hosts.host order by hosts.host asc) as callee,
    list({ 'host': counted.host, 'subset': counted.subset, 'weight': counted.weight, 'calls': counted.calls }
    order by counted.weight desc, counted.host asc, counted.subset asc) as destinations,
    sum(counted.calls)::bigint as calls,
    min(counted.first_seen) as first_seen,
    max(counted.last_seen) as last_seen
from counted
inner join first_hosts as hosts
    on
        counted.namespace = hosts.namespace
        and counted.name = hosts.name
        and counted.valid_from = hosts.valid_from
group by counted.namespace, counted.name, counted.valid_from
having sum(counted.calls) >= greatest($minimum_samples, 100) and sum(counted.weight) > 0
order by counted.namespace asc, counted.name asc, counted.valid_from asc
