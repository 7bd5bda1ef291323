-- purpose: The log-histogram bucket of a duration in whole milliseconds, as pipelines/histogram.py computes it.
-- kind: macro
-- reads: none
-- grain: scalar
-- params: none
create or replace temp macro latency_bucket(duration_ms) as
case
    when duration_ms > 0 then ceil(ln(duration_ms) / ln(101.0 / 99.0))::integer + 1
    when duration_ms <= 0 then 0
end
