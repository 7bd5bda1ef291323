-- purpose: Records that could not be read, with their bytes, the newest run first.
-- kind: query
-- reads: rejects
-- grain: one rejected record
-- params: source VARCHAR, row_limit BIGINT
select
    source,
    format,
    source_offset,
    reason,
    raw,
    raw_length,
    run_id,
    count(*) over () as rejects
from rejects
where $source::varchar is null or source = $source
order by run_id desc, source asc, source_offset asc
limit $row_limit
