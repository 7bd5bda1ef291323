-- purpose: Whether a host pattern (a full name, `*.suffix` or `*`) covers a host.
-- kind: macro
-- reads: none
-- grain: one value
-- params: none
create or replace temp macro host_matches(pattern, host) as
    pattern = host
    or pattern = '*'
    or (starts_with(pattern, '*.') and ends_with(host, substr(pattern, 2)))
