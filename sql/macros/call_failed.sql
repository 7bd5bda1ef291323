-- purpose: Whether a call failed as its caller saw it. HTTP: a 5xx, no response at all (code 0), or a failure flag on
--          any code (a reset after the headers leaves 200). TCP: a failure flag. DI (delay) and RFCF (cache) are no
--          failures. Flags come in any order and number (`URX,UF`, `UF,URX`).
-- kind: macro
-- reads: none
-- grain: one value
-- params: none
create or replace temp macro call_failed(protocol, response_code, response_flags) as
    coalesce(response_code >= 500, false)
    or (protocol <> 'tcp' and response_code is not distinct from 0)
    or (
        response_flags is not null
        and len(list_filter(string_split(response_flags, ','), lambda flag: flag not in ('-', '', 'DI', 'RFCF'))) > 0
    )
