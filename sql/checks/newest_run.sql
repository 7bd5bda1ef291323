-- purpose: The newest run of a kind, with what it was told and said.
-- kind: query
-- reads: runs
-- grain: one run, or none
-- params: kind VARCHAR
select
    run_id,
    parameters
from runs
where kind = $kind
order by finished_at desc, run_id desc
limit 1
