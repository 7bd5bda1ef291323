-- purpose: Which kinds of object the lake has ever seen, so that an analyzer without its kinds is skipped.
-- kind: query
-- reads: mesh_objects
-- grain: one kind
-- params: none
SELECT
    kind,
    count(DISTINCT (namespace, name)) AS objects
FROM mesh_objects
GROUP BY kind
ORDER BY kind
