-- purpose: Several log histograms as one: latency_merge(list(latency_bucket), list(latency_count)) gives a struct of
--          `bucket` (ascending, each once) and `count`. Both are NULL where there is nothing to merge.
-- kind: macro
-- reads: none
-- grain: scalar
-- params: none
CREATE OR REPLACE MACRO latency_merge(bucket_lists, count_lists) AS (
    SELECT struct_pack(bucket := list(bucket ORDER BY bucket), count := list(count ORDER BY bucket))
    FROM (
        SELECT
            bucket,
            sum(count)::bigint AS count
        FROM (
            SELECT
                unnest(flatten(bucket_lists)) AS bucket,
                unnest(flatten(count_lists)) AS count
        ) AS pairs
        GROUP BY bucket
    ) AS merged
)
