-- purpose: The objects in force at the end of what was ingested, with their JSON parsed.
-- kind: view
-- reads: object_versions
-- grain: one object
-- params: none
select
    *,
    object_json::json as object
from object_versions
where valid_to is null
