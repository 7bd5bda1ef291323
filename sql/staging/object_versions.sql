-- purpose: Every version of every object with the time it was in force.
--          Versions are ordered by resourceVersion where both have one (it grows with each write), so that a dump read
--          from a file with a late modification time still comes before the watch events that changed it. The first
--          version counts from the object's creation. A deletion ends the version before it.
-- kind: table
-- reads: mesh_objects
-- grain: one version of one object (cluster, group, kind, namespace, name)
-- params: none
with numbered as (
    select
        *,
        case when api_version like '%/%' then split_part(api_version, '/', 1) else '' end as api_group,
        try_cast(resource_version as ubigint) as resource_number
    from mesh_objects
),

bounded as (
    -- An inexact time may not be later than that of a later version that was seen exactly.
    select
        *,
        case
            when observed_at_exact then observed_at
            else least(
                observed_at,
                min(case when observed_at_exact then observed_at end) over (
                    partition by cluster, api_group, kind, namespace, name
                    order by resource_number asc
                    range between current row and unbounded following
                )
            )
        end as effective_at
    from numbered
),

distinct_versions as (
    -- The same version is often seen more than once: dumps overlap, a watch starts with what exists.
    select *
    from bounded
    qualify row_number() over (
        partition by
            cluster, api_group, kind, namespace, name, event = 'DELETED', coalesce(resource_version, md5(object_json)),
            case when event = 'DELETED' or resource_version is null then effective_at end
        order by effective_at asc, source asc, source_offset asc
    ) = 1
),

chained as (
    select
        *,
        row_number() over versions as version_number,
        lead(effective_at) over versions as next_at,
        lag(event) over versions as previous_event
    from distinct_versions
    window versions as (
        partition by cluster, api_group, kind, namespace, name
        order by effective_at asc, resource_number asc nulls first, event = 'DELETED' asc, source_offset asc
    )
)

select
    * exclude (resource_number, next_at, previous_event, effective_at),
    case
        when version_number = 1 then least(coalesce(created_at, effective_at), effective_at)
        else effective_at
    end as valid_from,
    case when event = 'DELETED' then effective_at else next_at end as valid_to,
    case when event = 'DELETED' then effective_at end as deleted_at
from chained
-- A deletion is a version of its own only where nothing earlier told of the object.
where event <> 'DELETED' or previous_event is null
