-- purpose: How many rows each table of telemetry has and the time they span.
-- kind: query
-- reads: access_logs, spans, metric_samples, mesh_objects, rejects
-- grain: one table
-- params: none
select
    'access_logs' as table_name,
    count(*) as rows_held,
    count(distinct source) as sources,
    min(start_time) as first_seen,
    max(start_time) as last_seen
from access_logs
union all
select
    'spans' as table_name,
    count(*) as rows_held,
    count(distinct source) as sources,
    min(start_time) as first_seen,
    max(start_time) as last_seen
from spans
union all
select
    'metric_samples' as table_name,
    count(*) as rows_held,
    count(distinct source) as sources,
    min(time) as first_seen,
    max(time) as last_seen
from metric_samples
union all
select
    'mesh_objects' as table_name,
    count(*) as rows_held,
    count(distinct source) as sources,
    min(observed_at) as first_seen,
    max(observed_at) as last_seen
from mesh_objects
union all
select
    'rejects' as table_name,
    count(*) as rows_held,
    count(distinct source) as sources,
    null as first_seen,
    null as last_seen
from rejects
