-- purpose: Lower end of Wilson's score interval for `hits` of `total` at `z` standard deviations; 0 where total is 0.
--          Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.
-- kind: macro
-- reads: none
-- grain: one value
-- params: none
create or replace temp macro wilson_lower(hits, total, z) as
    case
        when total > 0
            then greatest(
                0.0,
                (
                    hits / total + z * z / (2 * total)
                    - z * sqrt((hits / total) * (1 - hits / total) / total + z * z / (4 * total * total))
                ) / (1 + z * z / total)
            )
        else 0.0
    end
