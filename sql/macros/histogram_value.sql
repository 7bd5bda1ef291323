-- purpose: The duration in milliseconds that stands for a log-histogram bucket, within 1 % of what it holds.
-- kind: macro
-- reads: none
-- grain: scalar
-- params: none
create or replace temp macro latency_value(bucket) as
case
    when bucket > 0 then 2 * pow(101.0 / 99.0, bucket - 1) / (101.0 / 99.0 + 1)
    when bucket <= 0 then 0.0
end
