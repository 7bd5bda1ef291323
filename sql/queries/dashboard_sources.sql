-- purpose: What was read of each input, over all runs: records read, accepted and rejected, and how far it was read.
-- kind: query
-- reads: sources
-- grain: one source and format
-- params: row_limit BIGINT
select
    source,
    format,
    sum(read)::bigint as read,
    sum(accepted)::bigint as accepted,
    sum(rejected)::bigint as rejected,
    arg_max(position, recorded_at) as position,
    arg_max(size, recorded_at) as size,
    max(recorded_at) as recorded_at,
    count(*) over () as sources
from sources
group by source, format
order by rejected desc, source asc, format asc
limit $row_limit
