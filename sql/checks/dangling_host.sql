-- purpose: Destinations that lead nowhere. `problem` says how: `unknown_host` (no Service or ServiceEntry of that name),
--          `hidden_host` (there is one, but it is not exported to the namespace of the object), `unknown_subset` (no
--          DestinationRule for the host defines it), `empty_subset` (its labels match no pod, pod template or endpoint).
--          `certain` is false where the inventory may just be incomplete: nothing at all is known of the namespace that
--          the name points into. A cluster domain that nothing declares is not held against a Service's name.
-- kind: check
-- reads: host_references, services, subset_backends, objects_now, cluster_settings, mesh_objects, host_matches,
--        qualified_host
-- grain: one reference or subset at fault
-- params: namespaces VARCHAR[]
with domain as (
    select
        cluster_settings.cluster_domain,
        exists(
            select 1 from objects_now
            where kind = 'ConfigMap' and name like 'istio-sidecar-injector%' and object_json like '%clusterDomain%'
        ) as is_declared
    from cluster_settings
),

inventory as (
    select distinct namespace
    from objects_now
    where kind in ('Service', 'Pod', 'EndpointSlice') and namespace is not null
    union
    select name as namespace
    from objects_now
    where kind = 'Namespace'
),

declared as (
    select
        services.host,
        services.namespace,
        services.name,
        services.kind,
        list_transform(
            string_split(coalesce(nullif(services.export_to, ''), '*'), ','),
            lambda target: if(trim(target) = '.', services.namespace, trim(target))
        ) as exported_to
    from services
    union all
    -- With an undeclared cluster domain `name.namespace.svc.ANYTHING` may be the Service's name.
    select
        services.name || '.' || services.namespace || '.svc.*' as host,
        services.namespace,
        services.name,
        services.kind,
        list_transform(
            string_split(coalesce(nullif(services.export_to, ''), '*'), ','),
            lambda target: if(trim(target) = '.', services.namespace, trim(target))
        ) as exported_to
    from services
    cross join domain
    where services.kind = 'Service' and not domain.is_declared
),

"references" as (
    select
        *,
        regexp_extract(host, '^[^.]+\.([^.]+)\.svc\.', 1) as host_namespace,
        regexp_replace(host, '^([^.]+\.[^.]+\.svc\.).*$', '\1*') as host_anywhere
    from host_references
),

exact_matches as (
    select
        reference.kind,
        reference.namespace,
        reference.name,
        reference.path,
        bool_or(
            list_contains(declared.exported_to, '*') or list_contains(declared.exported_to, reference.namespace)
        ) as is_visible,
        any_value(declared.kind || '/' || declared.namespace || '/' || declared.name) as declared_by
    from "references" as reference
    inner join declared on declared.host in (reference.host, reference.host_anywhere)
    group by reference.kind, reference.namespace, reference.name, reference.path
),

wildcards as (
    select * from declared
    where host = '*' or (host like '*.%')
),

wildcard_matches as (
    select
        reference.kind,
        reference.namespace,
        reference.name,
        reference.path,
        bool_or(
            list_contains(declared.exported_to, '*') or list_contains(declared.exported_to, reference.namespace)
        ) as is_visible,
        any_value(declared.kind || '/' || declared.namespace || '/' || declared.name) as declared_by
    from "references" as reference
    inner join wildcards as declared on host_matches(declared.host, reference.host)
    group by reference.kind, reference.namespace, reference.name, reference.path
    union all
    -- A DestinationRule may itself be for `*.namespace.svc.cluster.local`.
    select
        reference.kind,
        reference.namespace,
        reference.name,
        reference.path,
        true as is_visible,
        any_value(declared.kind || '/' || declared.namespace || '/' || declared.name) as declared_by
    from "references" as reference
    inner join declared on host_matches(reference.host, declared.host)
    where contains(reference.host, '*')
    group by reference.kind, reference.namespace, reference.name, reference.path
),

matches as (
    select
        kind,
        namespace,
        name,
        path,
        bool_or(is_visible) as is_visible,
        any_value(declared_by) as declared_by
    from (
        select * from exact_matches
        union all
        select * from wildcard_matches
    ) as every_match
    group by kind, namespace, name, path
),

hosts as (
    select
        if(matches.declared_by is null, 'unknown_host', 'hidden_host') as problem,
        reference.kind,
        reference.namespace,
        reference.name,
        reference.path,
        reference.host,
        reference.written,
        null::varchar as subset,
        matches.declared_by,
        reference.valid_from,
        reference.source,
        reference.source_offset,
        reference.serves,
        reference.route_name,
        true as is_used,
        coalesce(nullif(reference.host_namespace, '') in (select inventory.namespace from inventory), true) as certain
    from "references" as reference
    left join matches
        on
            reference.kind = matches.kind
            and reference.namespace = matches.namespace
            and reference.name = matches.name
            and reference.path = matches.path
    where not coalesce(matches.is_visible, false)
),

routed_subsets as (
    select reference.*
    from "references" as reference
    inner join matches
        on
            reference.kind = matches.kind
            and reference.namespace = matches.namespace
            and reference.name = matches.name
            and reference.path = matches.path
    where reference.subset is not null and matches.is_visible
),

defined_subsets as (
    select * from subset_backends
    where valid_to is null
),

unknown_subsets as (
    select
        'unknown_subset' as problem,
        reference.kind,
        reference.namespace,
        reference.name,
        reference.subset_path as path,
        reference.host,
        reference.written,
        reference.subset,
        null::varchar as declared_by,
        reference.valid_from,
        reference.source,
        reference.source_offset,
        reference.serves,
        reference.route_name,
        true as is_used,
        true as certain
    from routed_subsets as reference
    where
        not exists (
            select 1 from defined_subsets
            where
                defined_subsets.subset = reference.subset
                and (defined_subsets.host = reference.host or host_matches(defined_subsets.host, reference.host))
        )
),

empty_subsets as (
    select
        'empty_subset' as problem,
        'DestinationRule' as kind,
        subset.namespace,
        subset.name,
        subset.path || '/labels' as path,
        subset.host,
        subset.host as written,
        subset.subset,
        null::varchar as declared_by,
        subset.valid_from,
        subset.source,
        subset.source_offset,
        []::varchar[] as serves,
        null::varchar as route_name,
        exists(
            select 1 from routed_subsets as reference
            where reference.host = subset.host and reference.subset = subset.subset
        ) as is_used,
        true as certain
    from defined_subsets as subset
    where
        subset.host_has_backends
        and cardinality(subset.labels) > 0
        and subset.pods_now + subset.templates + subset.endpoints = 0
),

problems as (
    select * from hosts
    union all
    select * from unknown_subsets
    union all
    select * from empty_subsets
)

select
    *,
    (select max(mesh_objects.observed_at) from mesh_objects) as last_observed_at
from problems
where len($namespaces) = 0 or list_contains($namespaces, namespace)
order by namespace, kind, name, path
