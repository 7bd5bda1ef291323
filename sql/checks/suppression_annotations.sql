-- purpose: Annotations that silence findings, of every object's newest version (deleted objects keep theirs).
-- kind: query
-- reads: object_versions
-- grain: one object and annotation
-- params: keys VARCHAR[]
SELECT
    concat_ws('/', newest.kind, newest.namespace, newest.name) AS object,
    annotation.key,
    annotation.value
FROM (
    SELECT kind, namespace, name, annotations
    FROM object_versions
    QUALIFY row_number() OVER (PARTITION BY kind, namespace, name ORDER BY valid_from DESC) = 1
) AS newest,
    unnest(map_entries(newest.annotations)) AS entries (annotation)
WHERE list_contains($keys, annotation.key)
ORDER BY object, annotation.key
