-- purpose: The files of one revision.
-- kind: query
-- reads: revisions
-- grain: one file
-- params: revision BIGINT
select
    path,
    content
from revisions
where revision = $revision and change <> 'removed'
order by path asc
