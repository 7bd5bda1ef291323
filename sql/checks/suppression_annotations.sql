-- purpose: Annotations that silence findings, of every object's newest version (deleted objects keep theirs).
-- kind: query
-- reads: object_versions
-- grain: one object and annotation
-- params: keys VARCHAR[]
with newest as (
    select
        kind,
        namespace,
        name,
        annotations
    from object_versions
    qualify row_number() over (partition by api_group, kind, namespace, name order by version_number desc) = 1
),

annotated as (
    select
        concat_ws('/', kind, coalesce(namespace, ''), name) as object,
        unnest(map_entries(annotations)) as annotation
    from newest
)

select
    object,
    annotation.key as annotation_key,
    annotation.value as annotation_value
from annotated
where list_contains($keys, annotation.key)
order by object, annotation_key
