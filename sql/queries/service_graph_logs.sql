-- purpose: The service graph of a period as access logs show it.
-- kind: query
-- reads: calls, edges_of
-- grain: one caller, callee, port and protocol
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ
select * from edges_of('calls', $since, $until)
order by calls desc, caller asc, callee asc, port asc
