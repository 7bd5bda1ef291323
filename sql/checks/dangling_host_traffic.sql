-- purpose: Calls that failed for want of a cluster, route or host, by what they asked for: the traffic that proves a
--          dangling destination.
-- kind: check
-- reads: failing_calls, name_without_port
-- grain: one host called, cause, subset and route
-- params: none
select
    callee as host,
    name_without_port(authority) as authority,
    cause,
    subset,
    route_name,
    count(*) as failures,
    min(start_time) as first_seen,
    max(end_time) as last_seen,
    list(distinct caller order by caller) as callers
from failing_calls
where cause in ('cluster_not_found', 'route_not_found', 'no_healthy_endpoint')
group by callee, name_without_port(authority), cause, subset, route_name
order by failures desc
