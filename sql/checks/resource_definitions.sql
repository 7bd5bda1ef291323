-- purpose: The CustomResourceDefinitions that the cluster had at the end of what was ingested.
-- kind: check
-- reads: objects_now
-- grain: one definition
-- params: none
select
    name,
    object_json
from objects_now
where kind = 'CustomResourceDefinition'
order by name asc
