-- purpose: Each declared host once. Where a Service and a ServiceEntry declare the same host the Service comes first.
-- kind: table
-- reads: services
-- grain: one host
-- params: none
select
    host,
    arg_min(namespace, (kind, namespace, name)) as namespace,
    arg_min(location, (kind, namespace, name)) as location
from services
group by host
