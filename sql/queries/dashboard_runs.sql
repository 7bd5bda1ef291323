-- purpose: What was done to the lake, the newest first.
-- kind: query
-- reads: runs
-- grain: one run
-- params: row_limit BIGINT
select
    run_id,
    kind,
    started_at,
    finished_at,
    epoch_ms(finished_at) - epoch_ms(started_at) as duration_ms,
    read,
    accepted,
    rejected,
    bytes,
    map_entries(rows) as rows_by_table,
    parameters,
    count(*) over () as runs
from runs
order by finished_at desc, run_id desc
limit $row_limit
