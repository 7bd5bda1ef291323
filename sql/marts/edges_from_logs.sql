-- purpose: The service graph as access logs show it.
-- kind: table
-- reads: calls, edges_of
-- grain: one caller, callee, port and protocol
-- params: none
select * from edges_of('calls', null, null)
