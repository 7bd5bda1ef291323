-- purpose: Services that wrote spans, to filter traces by.
-- kind: query
-- reads: spans
-- grain: one service
-- params: row_limit BIGINT
select distinct coalesce(istio_canonical_service, service_name, 'unknown') as service
from spans
order by service asc
limit $row_limit
