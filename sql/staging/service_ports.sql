-- purpose: Ports of declared hosts with the protocol Istio selects for them: appProtocol, else the port name's prefix,
--          else the ServiceEntry's protocol; `unsupported` names count as TCP (istio.io: protocol selection).
-- kind: table
-- reads: services
-- grain: one port of one host
-- params: none
with ports as (
    select
        host,
        namespace,
        name,
        kind,
        unnest(object -> '$.spec.ports[*]') as port
    from services
),

named as (
    select
        host,
        namespace,
        name,
        kind,
        coalesce(try_cast(port ->> '$.port' as integer), try_cast(port ->> '$.number' as integer)) as port,
        port ->> '$.name' as port_name,
        port ->> '$.targetPort' as target_port,
        lower(
            coalesce(
                port ->> '$.appProtocol',
                case when kind = 'ServiceEntry' then port ->> '$.protocol' end,
                split_part(port ->> '$.name', '-', 1),
                ''
            )
        ) as declared
    from ports
)

select
    host,
    namespace,
    name,
    kind,
    port,
    port_name,
    target_port,
    case
        when declared in ('grpc', 'grpc-web', 'kubernetes.io/grpc') then 'grpc'
        when declared in ('http', 'http2', 'kubernetes.io/h2c', 'kubernetes.io/ws') then 'http'
        when declared in ('https', 'tls', 'kubernetes.io/wss') then 'tls'
        when declared in ('tcp', 'mongo', 'mysql', 'redis', 'udp') then 'tcp'
        else 'auto'
    end as protocol
from named
