-- purpose: From when to when each proxy wrote access-log lines. Inbound lines too prove that its log was collected. The
--          row without a pod counts the lines whose writer is unknown.
-- kind: check
-- reads: log_lines
-- grain: one pod
-- params: none
select
    reporter_namespace as namespace,
    reporter_pod as pod,
    count(*) as lines,
    count(*) filter (where side = 'outbound') as outbound_lines,
    min(start_time) as first_line,
    max(start_time) as last_line
from log_lines
group by reporter_namespace, reporter_pod
order by reporter_namespace, reporter_pod
