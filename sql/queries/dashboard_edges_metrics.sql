-- purpose: The service graph as Istio's standard metrics show it, of edges seen within a window. Counters are added up
--          over all that was ingested: a window cannot cut them.
-- kind: query
-- reads: edges_from_metrics
-- grain: one caller, callee and protocol
-- params: namespace VARCHAR, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, row_limit BIGINT
select
    *,
    errors / calls as error_rate,
    count(*) over () as edges
from edges_from_metrics
where
    last_seen >= $window_start
    and first_seen <= $window_end
    and calls > 0
    and ($namespace::varchar is null or caller_namespace = $namespace or callee_namespace = $namespace)
order by calls desc, caller asc, callee asc
limit $row_limit
