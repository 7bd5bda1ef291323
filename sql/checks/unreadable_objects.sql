-- purpose: Kubernetes documents that could not be read, each once however often it was ingested.
-- kind: check
-- reads: rejects
-- grain: one document of a source
-- params: none
select distinct
    source,
    source_offset,
    reason
from rejects
where format like 'kubernetes%'
order by source asc, source_offset asc, reason asc
