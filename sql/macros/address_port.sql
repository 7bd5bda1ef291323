-- purpose: The port of `address:port` as Envoy prints it; null where there is none.
-- kind: macro
-- reads: none
-- grain: one value
-- params: none
create or replace temp macro address_port(address) as try_cast(regexp_extract(address, ':([0-9]+)$', 1) as integer)
