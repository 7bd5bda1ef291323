-- purpose: Every declared host with its ports and how many endpoints it has: the registry that Sidecar hosts are matched
--          against, and the sizes that the benefit is computed from. `meshed_endpoints` take mTLS.
-- kind: check
-- reads: services, service_ports, service_backends, pods
-- grain: one host of one Service or ServiceEntry
-- params: none
with backends as (
    select
        backend.host,
        count(distinct backend.pod) as endpoints,
        count(distinct backend.pod) filter (where pods.has_sidecar) as meshed_endpoints
    from service_backends as backend
    inner join pods on backend.namespace = pods.namespace and backend.pod = pods.pod
    where pods.valid_to is null
    group by backend.host
),

ports as (
    select
        host,
        namespace,
        name,
        list(distinct port order by port) filter (where port is not null) as ports,
        coalesce(list(distinct port order by port) filter (where protocol in ('http', 'grpc')), []) as http_ports
    from service_ports
    group by host, namespace, name
)

select
    lower(services.host) as host,
    services.namespace,
    services.name,
    services.kind,
    services.location,
    services.external_name,
    services.export_to,
    services.addresses,
    services.clusters,
    services.type = 'NONE' or services.object ->> '$.spec.clusterIP' = 'None' as is_headless,
    coalesce(ports.ports, []) as ports,
    coalesce(ports.http_ports, []) as http_ports,
    cast(
        coalesce(
            backends.endpoints,
            case
                when services.kind = 'ServiceEntry'
                    then greatest(coalesce(json_array_length(services.object -> '$.spec.endpoints'), 0), 1)
            end,
            0
        ) as bigint
    ) as endpoints,
    coalesce(backends.meshed_endpoints, 0) as meshed_endpoints
from services
left join ports
    on services.host = ports.host and services.namespace = ports.namespace and services.name = ports.name
left join backends on services.host = backends.host
order by services.host, services.namespace, services.kind, services.name
