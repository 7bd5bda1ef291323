-- purpose: A host as an Istio object names it, as a full name: a name without a dot is a Service of the object's own
--          namespace; one with a dot, or a wildcard, is taken as it stands (istio.io: VirtualService Destination).
-- kind: macro
-- reads: none
-- grain: one value
-- params: none
create or replace temp macro qualified_host(host, namespace, cluster_domain) as
    case
        when contains(host, '.') or contains(host, '*') then rtrim(lower(host), '.')
        else lower(host) || '.' || namespace || '.svc.' || cluster_domain
    end
