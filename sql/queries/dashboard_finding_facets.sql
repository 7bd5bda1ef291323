-- purpose: What the findings of the newest diagnosis can be filtered by, with counts.
-- kind: query
-- reads: findings, runs
-- grain: one severity, code and analyzer
-- params: none
with newest as (
    select arg_max(run_id, finished_at) as run_id
    from runs
    where kind = 'diagnose'
)

select
    finding.severity,
    finding.code,
    finding.analyzer,
    count(*) filter (where finding.suppressed_by is null) as findings,
    count(*) filter (where finding.suppressed_by is not null) as suppressed
from findings as finding
inner join newest on finding.run_id = newest.run_id
group by finding.severity, finding.code, finding.analyzer
order by finding.code asc
limit 1000
