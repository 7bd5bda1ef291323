-- purpose: The newest run of the diagnosis: which analyzers ran, which were skipped or ran in part, and for want of what.
-- kind: query
-- reads: runs
-- grain: one analyzer that ran, and one for each that was skipped or ran in part
-- params: none
with newest as (
    select
        finished_at,
        parameters::json as parameters
    from runs
    where kind = 'diagnose'
    order by finished_at desc, run_id desc
    limit 1
),

told as (
    select
        finished_at,
        unnest(json_extract(parameters, '$.skipped[*]')) as skip
    from newest
)

select
    finished_at,
    unnest(json_extract_string(parameters, '$.ran[*]')) as analyzer,
    'ran' as outcome,
    null as missing,
    null as reason
from newest
union all
select
    finished_at,
    skip ->> '$.analyzer' as analyzer,
    case when skip ->> '$.partial' = 'true' then 'ran in part' else 'skipped' end as outcome,
    array_to_string(json_extract_string(skip, '$.missing[*]'), ', ') as missing,
    skip ->> '$.reason' as reason
from told
order by outcome desc, analyzer asc
limit 1000
