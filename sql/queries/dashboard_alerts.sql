-- purpose: Alerts of the newest run that looked for them, the worst first. A namespace matches through what the alert
--          says of its edge, or the callee's name.
-- kind: query
-- reads: alerts, runs
-- grain: one alert
-- params: namespace VARCHAR, row_limit BIGINT
with newest as (
    select arg_max(run_id, finished_at) as run_id
    from runs
    where kind = 'alerts'
)

select
    alert.* exclude (run_id),
    count(*) over () as alerts
from alerts as alert
inner join newest on alert.run_id = newest.run_id
where
    $namespace::varchar is null
    or alert.evidence::json ->> '$.caller_namespace' = $namespace
    or alert.evidence::json ->> '$.callee_namespace' = $namespace
    or list_contains(regexp_split_to_array(alert.caller || ' ' || alert.callee, '[^a-z0-9-]+'), $namespace)
order by
    case alert.severity when 'error' then 0 when 'warning' then 1 else 2 end,
    alert.window_start desc,
    alert.caller asc,
    alert.callee asc
limit $row_limit
