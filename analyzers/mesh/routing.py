"""Route resolution: the rule that a request of a client takes, and the workloads that it ends at.

In the mesh one object decides for a host: of the Gateway API routes of the client's own namespace, the VirtualServices
and the Gateway API routes of the service's namespace the first, VirtualServices by the most specific host and the
oldest. At a gateway the routes of all VirtualServices with the same host are tried in turn.
Where a request's method, path or headers are not known and a route might match, `Route.is_certain` is false and the
route is the first that surely matches.

Source: istio/istio `pilot/pkg/networking/core/httproute.go`, `route/route.go` and `gateway.go`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from analyzers.mesh import hosts
from analyzers.mesh.gateway_routes import GatewayRoute, gateway_routes_of
from analyzers.mesh.objects import Json, at, integer, mapping, mappings, number, text
from analyzers.mesh.route_matches import Request, is_catch_all, takes
from analyzers.mesh.services import Service, services_of
from analyzers.mesh.virtual_services import MESH_GATEWAY, VirtualService, virtual_services_of
from analyzers.mesh.visibility import Proxy, Scope, scope_of
from analyzers.mesh.workloads import Workload, workloads_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analyzers.mesh.delegates import HttpRoute
    from analyzers.mesh.matching import Answer
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

#: `rule`: an object's route; `default`: straight to the service; `unmatched`: an object owns the host, none of its
#: routes matches (404 NR); `answered`: redirect or direct response; `passthrough`, `blocked`: nothing has the host.
RouteKind = Literal["rule", "default", "unmatched", "answered", "passthrough", "blocked"]

Item = TypeVar("Item")

_HTTP_PORT: Final = 80


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a route leads. `share` is its part of the requests; `service` is null where the host is not known.

    `workloads` are those of the service that carry the subset's labels; empty where labels do not tell.
    """

    host: str
    port: int | None
    subset: str | None
    share: float
    path: str
    service: Service | None
    workloads: tuple[Workload, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """What becomes of a request. `value` is the route as written, after delegates are merged."""

    kind: RouteKind
    host: str
    service: Service | None = None
    item: MeshObject | None = None
    path: str = ""
    value: Mapping[str, Json] = field(default_factory=dict)
    destinations: tuple[Destination, ...] = ()
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class _Question:
    mesh: Mesh
    scope: Scope
    client: Proxy
    request: Request
    gateway: str


def route_in_mesh(mesh: Mesh, client: Proxy, request: Request) -> Route:
    """What becomes of a request that a sidecar's workload makes."""
    asked = _Question(mesh, scope_of(mesh, client), client, request, MESH_GATEWAY)
    service = asked.scope.resolve(request.host)
    domain = mesh.settings(client.cluster).cluster_domain
    host = service.host if service is not None else hosts.full_name(request.host, client.namespace, domain)
    found = _of_gateway_api(asked, service, client.namespace) if service is not None else None
    # Hosts that only a VirtualService has are served on port 80.
    if found is None and (service is not None or request.port == _HTTP_PORT):
        owner = next(iter(asked.scope.virtual_services(host, request.port)), None)
        found = None if owner is None else _of_virtual_services(asked, host, service, [owner])
    if found is not None:
        return found
    if service is None:
        return Route("passthrough" if asked.scope.outbound_traffic_policy == "ALLOW_ANY" else "blocked", host)
    straight = _destination(asked, service.host, request.port, None, 1.0, "")
    return _of_gateway_api(asked, service, service.namespace) or Route(
        "default", host, service, destinations=(straight,)
    )


def route_at_gateway(mesh: Mesh, proxy: Proxy, gateway: str, request: Request) -> Route:
    """What becomes of a request that enters at an Istio Gateway (`namespace/name`) whose proxy is `proxy`."""
    asked = _Question(mesh, scope_of(mesh, proxy), proxy, request, gateway)
    bound = virtual_services_of(mesh, proxy.cluster).by_gateway.get(gateway, ())
    seen = [item for item in bound if item.is_seen_by(proxy.namespace)]
    pattern = hosts.most_specific((host for item in seen for host in item.hosts), request.host)
    if pattern is None:
        return Route("unmatched", request.host)
    return _of_virtual_services(asked, pattern, None, [item for item in seen if pattern in item.hosts])


def _of_virtual_services(
    asked: _Question, host: str, service: Service | None, owners: Sequence[VirtualService]
) -> Route:
    # Routes that take everything are tried last where several objects share a host.
    routes = sorted((route for owner in owners for route in owner.http), key=_takes_everything)
    answers = [takes(route, asked.request, asked.client, asked.gateway) for route in routes]
    chosen, is_certain = _first(routes, answers)
    if chosen is None:
        return Route("unmatched", host, service, owners[0].item, "spec/http", is_certain=is_certain)
    answered = bool(mapping(chosen.value.get("redirect")) or mapping(chosen.value.get("directResponse")))
    listed = () if answered else _of_route(asked, chosen)
    kind: RouteKind = "answered" if answered else "rule"
    return Route(kind, host, service, chosen.owner, chosen.path, chosen.value, listed, is_certain)


def _takes_everything(route: HttpRoute) -> bool:
    return all(is_catch_all(match) for _, match in mappings(route.value.get("match")))


def _first(routes: Sequence[Item], answers: Sequence[Answer]) -> tuple[Item | None, bool]:
    """The first route that surely matches, and whether none before it might."""
    for position, answer in enumerate(answers):
        if answer:
            return routes[position], None not in answers[:position]
    return None, None not in answers


def _of_route(asked: _Question, route: HttpRoute) -> tuple[Destination, ...]:
    targets = list(mappings(route.value.get("route")))
    weights = _shares([number(target.get("weight")) or 0.0 for _, target in targets])
    domain = asked.mesh.settings(route.owner.cluster).cluster_domain
    found = []
    for (position, target), share in zip(targets, weights, strict=True):
        destination = mapping(target.get("destination"))
        name = hosts.full_name(text(destination.get("host")) or "", route.owner.namespace, domain)
        chosen = _port(asked.scope.service(name), integer(at(destination, "port", "number")), asked.request.port)
        path = f"{route.path}/route[{position}]/destination"
        found.append(_destination(asked, name, chosen, text(destination.get("subset")) or None, share, path))
    return tuple(found)


def _port(service: Service | None, stated: int | None, dialled: int) -> int:
    if stated is not None:
        return stated
    return service.ports[0].number if service is not None and len(service.ports) == 1 else dialled


def _shares(weights: list[float]) -> list[float]:
    """The part that each destination gets; the weight of a sole one does not count."""
    total = sum(weights)
    if len(weights) == 1:
        return [1.0]
    return [weight / total if total else 0.0 for weight in weights]


def _destination(
    asked: _Question, host: str, port: int | None, subset: str | None, share: float, path: str
) -> Destination:
    service = asked.scope.service(host)
    if service is None:
        return Destination(host, port, subset, share, path, None, ())
    behind = workloads_of(asked.mesh, service.item.cluster).behind(service)
    if subset is not None:
        rule = asked.scope.destination_rule(host, service.namespace, asked.client.labels)
        labels = None if rule is None else rule.subset(subset)
        wanted = None if labels is None else labels.labels
        behind = () if wanted is None else tuple(one for one in behind if wanted.items() <= one.labels.items())
    return Destination(host, port, subset, share, path, service, behind)


def _of_gateway_api(asked: _Question, service: Service, namespace: str) -> Route | None:
    """The route of a namespace's HTTPRoutes and GRPCRoutes for a service; null where it has none."""
    known = gateway_routes_of(asked.mesh, service.item.cluster)
    attached = known.of(service.item.kind, service.namespace, service.item.name)
    routes = [route for route in attached if route.item.namespace == namespace]
    if not routes:
        return None
    sent = asked.request
    answers = [route.matches(sent.method, sent.path, sent.headers, sent.query) for route in routes]
    chosen, is_certain = _first(routes, answers)
    if chosen is None:
        return Route("unmatched", service.host, service, routes[0].item, "spec/rules", is_certain=is_certain)
    listed = _of_rule(asked, chosen)
    return Route("rule", service.host, service, chosen.item, chosen.path, chosen.rule, listed, is_certain)


def _of_rule(asked: _Question, route: GatewayRoute) -> tuple[Destination, ...]:
    backends = list(mappings(route.rule.get("backendRefs")))
    weights = [1.0 if (weight := number(backend.get("weight"))) is None else weight for _, backend in backends]
    total = sum(weights)
    base = route.path.partition("/matches")[0]
    domain = services_of(asked.mesh, route.item.cluster).domain
    found = []
    for (position, backend), weight in zip(backends, weights, strict=True):
        name, where = text(backend.get("name")) or "", text(backend.get("namespace")) or route.item.namespace
        is_host = text(backend.get("kind")) == "Hostname"
        host = name if is_host else f"{name}.{where}.svc.{domain}"
        share = weight / total if total else 0.0
        path = f"{base}/backendRefs[{position}]"
        found.append(_destination(asked, host.lower(), integer(backend.get("port")), None, share, path))
    return tuple(found)
