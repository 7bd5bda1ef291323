-- purpose: What gateways called: consumers of services that no Sidecar speaks of.
-- kind: check
-- reads: calls
-- grain: one gateway and called host
-- params: none
select
    caller_namespace,
    caller,
    lower(callee) as callee,
    count(*) as calls,
    max(start_time) as last_seen
from calls
where caller_kind = 'gateway' and caller is not null and callee is not null
group by caller_namespace, caller, lower(callee)
order by caller_namespace, caller, callee
