-- purpose: The findings of the newest diagnosis, the worst first. A namespace matches through the object, the
--          subject or an edge.
-- kind: query
-- reads: findings, runs
-- grain: one finding
-- params: namespace VARCHAR, severities VARCHAR[], codes VARCHAR[], analyzers VARCHAR[], row_limit BIGINT
with newest as (
    select arg_max(run_id, finished_at) as run_id
    from runs
    where kind = 'diagnose'
)

select
    finding.* exclude (run_id),
    count(*) over () as findings
from findings as finding
inner join newest on finding.run_id = newest.run_id
where
    (len($severities::varchar[]) = 0 or list_contains($severities, finding.severity))
    and (len($codes::varchar[]) = 0 or list_contains($codes, finding.code))
    and (len($analyzers::varchar[]) = 0 or list_contains($analyzers, finding.analyzer))
    and (
        $namespace::varchar is null
        or split_part(finding.object, '/', 2) = $namespace
        or list_contains(regexp_split_to_array(finding.subject, '[^a-z0-9-]+'), $namespace)
        or len(
            list_filter(
                finding.edges,
                lambda edge: list_contains(regexp_split_to_array(edge.caller || ' ' || edge.callee, '[^a-z0-9-]+'), $namespace)
            )
        ) > 0
    )
order by
    finding.suppressed_by is not null,
    case finding.severity when 'error' then 0 when 'warning' then 1 else 2 end,
    finding.last_seen desc nulls last,
    finding.code asc,
    finding.subject asc
limit $row_limit
