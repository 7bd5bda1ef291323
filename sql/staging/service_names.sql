-- purpose: How a declared host may be spelled: its full name, `name.namespace` and `name.namespace.svc` from anywhere,
--          and the bare name from its own namespace (`caller_namespace`; null: from anywhere).
-- kind: table
-- reads: services
-- grain: one spelling and caller namespace
-- params: none
with spellings as (
    select
        host,
        unnest(
            case kind
                when 'Service' then [host, name || '.' || namespace, name || '.' || namespace || '.svc']
                else [host]
            end
        ) as spelled,
        null as caller_namespace
    from services
    union all
    select
        host,
        name as spelled,
        namespace as caller_namespace
    from services
    where kind = 'Service'
)

select
    spelled,
    caller_namespace,
    min(host) as host
from spellings
group by spelled, caller_namespace
