-- purpose: Which kinds of object the lake has ever seen, so that an analyzer without its kinds is skipped.
-- kind: query
-- reads: mesh_objects
-- grain: one kind
-- params: none
select
    kind,
    count(distinct concat_ws('/', namespace, name)) as objects
from mesh_objects
group by kind
order by kind
