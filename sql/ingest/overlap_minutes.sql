-- purpose: Minutes in which one request may have been recorded by two paths: a cluster's calls stand in more than one
--          source, and not every one of them is known to be another pod's. What was found to be a copy before is netted
--          out of the rollup already.
-- kind: query
-- reads: edges_1m
-- grain: one minute
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ
with standing as (
    select
        minute,
        rtrim(upstream_cluster, ';') as upstream_cluster,
        source,
        reporter_namespace,
        reporter_pod
    from edges_1m
    where minute >= $since and minute <= $until
    group by all
    having sum(calls) > 0
),

shared as (
    select minute
    from standing
    group by minute, upstream_cluster
    having
        count(distinct source) > 1
        and (
            count(*) > count(reporter_pod)
            or count(*) > count(distinct coalesce(reporter_namespace, '') || '/' || reporter_pod)
        )
)

select distinct minute
from shared
order by minute asc
