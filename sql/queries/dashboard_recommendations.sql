-- purpose: The recommendations of the newest run, each with the manifest that the run before it gave for the same object.
-- kind: query
-- reads: recommendations, runs
-- grain: one recommended object
-- params: namespace VARCHAR, row_limit BIGINT
with newest as (
    select arg_max(run_id, finished_at) as run_id
    from runs
    where kind = 'recommend'
),

earlier as (
    select
        recommendation.kind,
        recommendation.namespace,
        recommendation.workload,
        arg_max(recommendation.manifest, recommendation.produced_at) as manifest,
        max(recommendation.produced_at) as produced_at
    from recommendations as recommendation
    cross join newest
    where recommendation.run_id <> newest.run_id and recommendation.manifest is not null
    group by recommendation.kind, recommendation.namespace, recommendation.workload
)

select
    recommendation.* exclude (run_id),
    earlier.manifest as earlier_manifest,
    earlier.produced_at as earlier_produced_at,
    count(*) over () as recommendations
from recommendations as recommendation
inner join newest on recommendation.run_id = newest.run_id
left join earlier
    on
        recommendation.kind = earlier.kind
        and recommendation.namespace = earlier.namespace
        and recommendation.workload = earlier.workload
where $namespace::varchar is null or recommendation.namespace = $namespace
order by recommendation.namespace asc, recommendation.workload asc
limit $row_limit
