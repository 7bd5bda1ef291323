-- purpose: The log-histogram bucket of a duration in whole milliseconds, as pipelines/histogram.py computes it.
-- kind: macro
-- reads: none
-- grain: scalar
-- params: none
CREATE OR REPLACE MACRO latency_bucket(duration_ms) AS
CASE
    WHEN duration_ms > 0 THEN ceil(ln(duration_ms) / ln(101.0 / 99.0))::integer + 1
    WHEN duration_ms <= 0 THEN 0
END
