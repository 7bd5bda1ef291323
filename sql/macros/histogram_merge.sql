-- purpose: Several log histograms as one: latency_merge(list(latency_bucket), list(latency_count)) gives a struct of
--          `bucket` (ascending, each once) and `count`. Both are NULL where there is nothing to merge.
-- kind: macro
-- reads: none
-- grain: scalar
-- params: none
create or replace temp macro latency_merge(bucket_lists, count_lists) as (
    select struct_pack(bucket := list(bucket order by bucket), count := list(count order by bucket))
    from (
        select
            bucket,
            sum(count)::bigint as count
        from (
            select
                unnest(flatten(bucket_lists)) as bucket,
                unnest(flatten(count_lists)) as count
        ) as pairs
        group by bucket
    ) as merged
)
