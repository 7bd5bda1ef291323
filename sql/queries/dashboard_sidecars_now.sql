-- purpose: The Sidecars in force in one namespace, to compare a recommendation with.
-- kind: query
-- reads: objects_now
-- grain: one Sidecar
-- params: namespace VARCHAR, row_limit BIGINT
select
    namespace,
    name,
    api_version,
    json_extract(object, '$.spec')::varchar as spec,
    valid_from
from objects_now
where kind = 'Sidecar' and namespace = $namespace
order by name asc
limit $row_limit
