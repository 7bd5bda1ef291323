"""VirtualServices as istiod keeps them: full host names, who sees them, delegates merged in, what they route to.

Source: istio/istio `pilot/pkg/model/virtualservice.go` (mergeVirtualServicesIfNeeded, virtualServiceDestinations) and
`push_context.go` (initVirtualServices).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.mesh import hosts
from analyzers.mesh.delegates import HttpRoute, merged_routes
from analyzers.mesh.exports import EVERYWHERE, exported_to
from analyzers.mesh.host_index import HostIndex
from analyzers.mesh.objects import Json, at, integer, mapping, mappings, text, texts
from analyzers.mesh.services import age_order, is_selected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

#: The name by which a VirtualService is bound to sidecars.
MESH_GATEWAY: Final = "mesh"


@dataclass(frozen=True, slots=True)
class Target:
    """How a route leads to a host: the port it names, and the client namespaces that the route is for (null: all)."""

    port: int | None
    clients: frozenset[str] | None

    def is_for(self, namespace: str) -> bool:
        """Whether clients of a namespace may take the route."""
        return self.clients is None or namespace in self.clients


@dataclass(frozen=True, slots=True)
class VirtualService:
    """A VirtualService that has hosts of its own (delegates have none).

    `hosts` are full names; `gateways` are `mesh` or `namespace/name`; `destinations` has, by full host, how its routes
    (HTTP, TLS and TCP, mirrors too) lead there.
    """

    item: MeshObject
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    seen_by: frozenset[str]
    http: tuple[HttpRoute, ...]
    destinations: Mapping[str, frozenset[Target]]

    @property
    def is_in_mesh(self) -> bool:
        """Whether it applies to sidecars."""
        return MESH_GATEWAY in self.gateways

    def is_seen_by(self, namespace: str) -> bool:
        """Whether proxies of a namespace may see it."""
        return EVERYWHERE in self.seen_by or namespace in self.seen_by


class VirtualServices:
    """All of a cluster, the oldest first. Get it with `virtual_services_of`."""

    def __init__(self, items: tuple[VirtualService, ...]) -> None:
        self.all = items
        in_mesh = [item for item in items if item.is_in_mesh]
        self.in_mesh: HostIndex[VirtualService] = HostIndex((host, item) for item in in_mesh for host in item.hosts)
        self.routing_to: Mapping[str, tuple[VirtualService, ...]] = _by_destination(in_mesh)
        by_gateway: defaultdict[str, list[VirtualService]] = defaultdict(list)
        for item in items:
            for gateway in item.gateways:
                by_gateway[gateway].append(item)
        self.by_gateway: Mapping[str, tuple[VirtualService, ...]] = {
            gateway: tuple(found) for gateway, found in by_gateway.items()
        }


def virtual_services_of(mesh: Mesh, cluster: str = "") -> VirtualServices:
    """The VirtualServices of a cluster, read once."""
    return mesh.cached(f"virtual services {cluster}", lambda known: _virtual_services(known, cluster))


def gateway_name(name: str, namespace: str) -> str:
    """A gateway that a VirtualService of `namespace` names, as `namespace/name`; `mesh` stays.

    A dotted name is the old form `name.namespace.svc.cluster.local`.
    """
    if name == MESH_GATEWAY:
        return name
    before, slash, after = name.partition("/")
    if slash:
        return f"{namespace if before == '.' else before}/{after}"
    parts = name.split(".")
    return f"{parts[1]}/{parts[0]}" if len(parts) > 1 else f"{namespace}/{name}"


def _virtual_services(mesh: Mesh, cluster: str) -> VirtualServices:
    settings = mesh.settings(cluster)
    known = [
        item for item in mesh.of_kind("VirtualService", cluster=cluster) if is_selected(mesh, item.namespace, cluster)
    ]
    delegates = {(item.namespace, item.name): item for item in known if not texts(item.spec.get("hosts"))}
    default = settings.default_virtual_service_export_to
    found: list[VirtualService] = []
    for item in sorted(known, key=age_order):
        names = texts(item.spec.get("hosts"))
        if names:
            http = merged_routes(item, delegates, default)
            found.append(
                VirtualService(
                    item=item,
                    hosts=tuple(hosts.full_name(name, item.namespace, settings.cluster_domain) for name in names),
                    gateways=tuple(
                        dict.fromkeys(
                            gateway_name(name, item.namespace)
                            for name in texts(item.spec.get("gateways")) or (MESH_GATEWAY,)
                        )
                    ),
                    seen_by=exported_to(texts(item.spec.get("exportTo")), item.namespace, default),
                    http=http,
                    destinations=_destinations(item, http, settings.cluster_domain),
                )
            )
    return VirtualServices(tuple(found))


def _destinations(item: MeshObject, http: tuple[HttpRoute, ...], domain: str) -> Mapping[str, frozenset[Target]]:
    found: defaultdict[str, set[Target]] = defaultdict(set)
    routes = [(route.owner, route.value) for route in http]
    routes += [(item, route) for part in ("tls", "tcp") for _, route in mappings(item.spec.get(part))]
    for owner, route in routes:
        clients = _clients(route)
        for destination in _named(route):
            host = text(destination.get("host"))
            if host:
                name = hosts.full_name(host, owner.namespace, domain)
                found[name].add(Target(integer(at(destination, "port", "number")), clients))
    return {host: frozenset(targets) for host, targets in found.items()}


def _clients(route: Mapping[str, Json]) -> frozenset[str] | None:
    """The namespaces that every match of a route asks for."""
    named = [text(match.get("sourceNamespace")) for _, match in mappings(route.get("match"))]
    return frozenset(name for name in named if name) if named and all(named) else None


def _named(route: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    for part in ("route", "mirrors"):
        for _, target in mappings(route.get(part)):
            yield mapping(target.get("destination"))
    yield mapping(route.get("mirror"))


def _by_destination(items: list[VirtualService]) -> Mapping[str, tuple[VirtualService, ...]]:
    found: defaultdict[str, list[VirtualService]] = defaultdict(list)
    for item in items:
        for host in item.destinations:
            found[host].append(item)
    return {host: tuple(known) for host, known in found.items()}
