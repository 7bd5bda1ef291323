-- purpose: The address part of `address:port` as Envoy prints it (`[v6]:port` included); null for sockets and names.
-- kind: macro
-- reads: none
-- grain: one value
-- params: none
create or replace temp macro address_ip(address) as
    case
        when address like '[%' then regexp_extract(address, '^\[([0-9a-fA-F:.%]+)\]', 1)
        when address like '%:%' then regexp_extract(address, '^([0-9.]+):[0-9]+$', 1)
    end
