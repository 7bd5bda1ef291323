-- purpose: The objects in force at a moment, or at the end of what was ingested.
-- kind: query
-- reads: object_versions
-- grain: one object
-- params: until TIMESTAMPTZ
select
    api_version,
    kind,
    namespace,
    name,
    cluster,
    created_at,
    object_json,
    source,
    source_offset
from object_versions
where
    event <> 'DELETED'
    and (
        ($until is null and valid_to is null)
        or ($until is not null and valid_from <= $until and coalesce(valid_to > $until, true))
    )
