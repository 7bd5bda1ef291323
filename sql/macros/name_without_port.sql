-- purpose: A host as written in an authority, lower case, without port and trailing dot.
-- kind: macro
-- reads: none
-- grain: one value
-- params: none
create or replace temp macro name_without_port(authority) as
    rtrim(regexp_replace(lower(authority), ':[0-9]+$', ''), '.')
