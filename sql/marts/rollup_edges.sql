-- purpose: The minute rollup added up over its whole time, in the names that lines have: one pass over what may be
--          hundreds of millions of rows. `slice_bits`: in which of 64 equal parts of that time there were calls.
-- kind: table
-- reads: edges_1m
-- grain: one source, reporter, side, protocol and destination as the line names it
-- params: none
with bounds as (
    select
        min(epoch(minute))::bigint as start_s,
        greatest(max(epoch(minute))::bigint - min(epoch(minute))::bigint, 1) as length_s
    from edges_1m
)

select
    rollup.source,
    rollup.reporter_namespace,
    rollup.reporter_pod,
    rollup.reporter,
    rollup.protocol,
    rollup.upstream_cluster,
    rollup.authority,
    rollup.requested_server_name,
    rollup.peer_address,
    sum(rollup.calls)::bigint as calls,
    coalesce(
        sum(rollup.calls) filter (where (epoch(rollup.minute)::bigint - bounds.start_s) * 2 < bounds.length_s), 0
    )::bigint as calls_before,
    min(rollup.minute) as first_minute,
    max(rollup.minute) as last_minute,
    bit_or(
        1::ubigint << least((epoch(rollup.minute)::bigint - bounds.start_s) * 64 // bounds.length_s, 63)::utinyint
    ) as slice_bits
from edges_1m as rollup
cross join bounds
group by all
having sum(rollup.calls) > 0
