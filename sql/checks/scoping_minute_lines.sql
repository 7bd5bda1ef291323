-- purpose: From when to when each proxy wrote lines, by the minute rollup: what `scoping_lines` says where lines are gone.
-- kind: check
-- reads: rollup_edges, log_sources
-- grain: one pod
-- params: none
select
    log_source.namespace,
    log_source.pod,
    sum(rollup.calls)::bigint as lines,
    coalesce(sum(rollup.calls) filter (where rollup.reporter = 'source'), 0)::bigint as outbound_lines,
    min(rollup.first_minute) as first_line,
    max(rollup.last_minute) as last_line
from rollup_edges as rollup
left join log_sources as log_source
    on
        rollup.source = log_source.source
        and rollup.reporter_namespace is not distinct from log_source.stated_namespace
        and rollup.reporter_pod is not distinct from log_source.stated_pod
group by log_source.namespace, log_source.pod
order by log_source.namespace, log_source.pod
