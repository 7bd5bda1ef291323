-- purpose: What was recommended before, the newest window first: for each object and window the newest record.
-- kind: check
-- reads: recommendations
-- grain: one recommended object and window
-- params: none
select
    namespace,
    name,
    window_start,
    window_end,
    coverage
from recommendations
where kind = 'Sidecar' and verdict <> 'ABSTAIN' and window_start is not null and window_end is not null
qualify row_number() over (
    partition by namespace, name, window_start, window_end
    order by produced_at desc
) = 1
order by namespace asc, name asc, window_end desc
