-- purpose: The host that stands for a workload in the graph: of those it serves the shortest, then the first.
-- kind: query
-- reads: service_backends
-- grain: one workload that serves a host
-- params: row_limit BIGINT
select
    namespace,
    workload,
    arg_min(host, (length(host), host)) as host
from service_backends
group by namespace, workload
order by namespace asc, workload asc
limit $row_limit
