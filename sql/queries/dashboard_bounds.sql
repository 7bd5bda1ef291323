-- purpose: What telemetry the lake holds and from when to when, for the time window and the freshness of data.
-- kind: query
-- reads: access_logs, spans, metric_samples, mesh_objects
-- grain: one signal
-- params: none
select
    'access logs' as signal,
    count(*) as records,
    min(start_time) as first_seen,
    max(start_time) as last_seen
from access_logs
union all
select
    'spans' as signal,
    count(*) as records,
    min(start_time) as first_seen,
    max(start_time) as last_seen
from spans
union all
select
    'metric samples' as signal,
    count(*) as records,
    min(time) as first_seen,
    max(time) as last_seen
from metric_samples
union all
select
    'object versions' as signal,
    count(*) as records,
    min(observed_at) as first_seen,
    max(observed_at) as last_seen
from mesh_objects
