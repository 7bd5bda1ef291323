-- purpose: Why records could not be read, the most frequent reason first.
-- kind: query
-- reads: rejects
-- grain: one format and reason
-- params: row_limit BIGINT
select
    format,
    reason,
    count(*) as records,
    count(distinct source) as sources
from rejects
group by format, reason
order by records desc, format asc, reason asc
limit $row_limit
