-- purpose: When a pod that had been there was gone: from the event that deleted it until its name came back.
-- kind: table
-- reads: mesh_objects, object_versions
-- grain: one absence of one pod
-- params: none
with deletions as (
    select distinct
        namespace,
        name,
        observed_at as gone_from
    from mesh_objects
    where kind = 'Pod' and event = 'DELETED' and observed_at is not null
)

select
    deletion.namespace,
    deletion.name as pod,
    deletion.gone_from,
    min(version.valid_from) as gone_to
from deletions as deletion
left join object_versions as version
    on
        version.kind = 'Pod'
        and version.event <> 'DELETED'
        and deletion.namespace = version.namespace
        and deletion.name = version.name
        and deletion.gone_from < version.valid_from
group by deletion.namespace, deletion.name, deletion.gone_from
