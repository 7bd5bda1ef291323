-- purpose: The service graph of a period as spans show it: sampled calls, HTTP only (Envoy makes no spans for TCP).
-- kind: query
-- reads: span_calls, edges_of
-- grain: one caller, callee, port and protocol
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ
select * from edges_of('span_calls', $since, $until)
order by calls desc, caller asc, callee asc, port asc
