-- purpose: Every export of manifests, the newest first: who wrote what where, and how many files changed.
-- kind: query
-- reads: revisions
-- grain: one revision
-- params: none
select
    revision,
    any_value(produced_at) as produced_at,
    any_value(kind) as kind,
    any_value(actor) as actor,
    any_value(folder) as folder,
    count(*) filter (where change <> 'removed') as files,
    count(*) filter (where change = 'added') as added,
    count(*) filter (where change = 'changed') as changed,
    count(*) filter (where change = 'removed') as removed
from revisions
group by revision
order by revision desc
