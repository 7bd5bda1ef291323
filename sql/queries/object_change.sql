-- purpose: The version of an object that came into force at a time, and the one before it (null: it was new).
-- kind: query
-- reads: object_versions
-- grain: one version
-- params: kind VARCHAR, namespace VARCHAR, object VARCHAR, changed_at TIMESTAMPTZ
with versions as (
    select
        valid_from,
        event,
        object_json,
        source,
        source_offset,
        lag(object_json) over (order by version_number) as earlier_json,
        lag(valid_to) over (order by version_number) as earlier_until
    from object_versions
    where kind = $kind and coalesce(namespace, '') = coalesce($namespace, '') and name = $object
)

select
    event,
    object_json,
    -- After a deletion the object is new again.
    case when earlier_until = valid_from then earlier_json end as earlier_json,
    source,
    source_offset
from versions
where valid_from = $changed_at
