-- purpose: The service graph as spans show it: sampled calls, HTTP only (Envoy makes no spans for TCP).
-- kind: table
-- reads: span_calls, edges_of
-- grain: one caller, callee, port and protocol
-- params: none
select * from edges_of('span_calls', null, null)
