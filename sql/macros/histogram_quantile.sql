-- purpose: The q-quantile (nearest rank) in milliseconds of a log histogram given as a list of buckets and a list of
--          their counts. A bucket may occur more than once and in any order, so flatten(list(...)) of several rows
--          serves too; latency_merge first is quicker where there are many. NULL where nothing was counted.
--          In `state` the second field is how many calls are still to be passed; at zero the first is the answer.
-- kind: macro
-- reads: histogram_value
-- grain: scalar
-- params: none
create or replace temp macro latency_quantile(buckets, counts, q) as
latency_value(
    -- sqlfluff cannot parse a lambda of two names and takes the function for a data type
    list_reduce( -- noqa: LT01
        list_sort(list_zip(buckets, counts)), -- noqa: PRS
        lambda state, pair: case when state[2] <= 0 then state else row(pair[1], state[2] - pair[2]) end,
        row(null::integer, greatest(ceil(q * list_sum(counts)), 1)::bigint)
    )[1]
)
