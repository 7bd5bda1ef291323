-- purpose: The duration in milliseconds that stands for a log-histogram bucket, within 1 % of what it holds.
-- kind: macro
-- reads: none
-- grain: scalar
-- params: none
CREATE OR REPLACE MACRO latency_value(bucket) AS
CASE
    WHEN bucket > 0 THEN 2 * pow(101.0 / 99.0, bucket - 1) / (101.0 / 99.0 + 1)
    WHEN bucket <= 0 THEN 0.0
END
