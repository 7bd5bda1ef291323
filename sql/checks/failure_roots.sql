-- purpose: Failing calls followed along `failure_links` to the call that failed first. A call without a link is its own
--          root. `hops` counts the links to the root, `link` is the first of them.
-- kind: table
-- reads: failing_calls, failure_links
-- grain: one failing call
-- params: none
with recursive chains as (
    select
        call_id,
        call_id as root_id,
        0 as hops,
        null::varchar as link
    from failing_calls
    union all
    select
        chains.call_id,
        failure_links.caused_by as root_id,
        chains.hops + 1 as hops,
        coalesce(chains.link, failure_links.link) as link
    from chains
    inner join failure_links on chains.root_id = failure_links.call_id
    -- Deeper chains of failures than this are loops in the data.
    where chains.hops < 16
)

select
    call_id,
    root_id,
    hops,
    link
from chains
qualify row_number() over (partition by call_id order by hops desc) = 1
