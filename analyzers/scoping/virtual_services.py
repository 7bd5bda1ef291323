"""VirtualServices as a Sidecar sees them: found by host in their own namespace, bringing their destinations along.

`pilot/pkg/model/{sidecar,virtualservice}.go`: the namespace part of an imported host is matched against the
namespace of the VirtualService, and what its routes name (mirrors, any weight, delegates' routes) joins the clusters.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from analyzers.scoping.configuration import items, mapping, texts, walk
from analyzers.scoping.names import either_covers, full_name, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from analyzers.scoping.configuration import Configuration, MeshObject


#: Routes of the Gateway API that may have a service as their parent.
ROUTE_KINDS: Final = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")


@dataclass(frozen=True, slots=True)
class VirtualService:
    """A VirtualService that applies inside the mesh.

    `mirrored` are those of its `destinations` that get copies, `listed_mirrors` those of them in a `mirrors` list.
    """

    namespace: str
    name: str
    hosts: tuple[str, ...]
    export_to: tuple[str, ...]
    destinations: frozenset[str]
    mirrored: frozenset[str]
    listed_mirrors: frozenset[str]


@dataclass(frozen=True, slots=True)
class VirtualServices:
    """All of them, indexed by host. Build one with `read_virtual_services`."""

    every: tuple[VirtualService, ...]
    exact: Mapping[str, tuple[VirtualService, ...]] = field(repr=False)
    wildcard: tuple[VirtualService, ...] = field(repr=False)
    by_namespace: Mapping[str, tuple[VirtualService, ...]] = field(repr=False)
    by_destination: Mapping[str, tuple[VirtualService, ...]] = field(repr=False)

    def to(self, host: str, client_namespace: str) -> tuple[VirtualService, ...]:
        """Those that a client sees and that route to `host`."""
        found = self.by_destination.get(host, ())
        return tuple(item for item in found if visible(item.export_to, item.namespace, client_namespace))

    def of(self, host: str, client_namespace: str) -> tuple[VirtualService, ...]:
        """Those that a client sees and that have, or take in, `host`; sorted by namespace and name."""
        found = [
            *self.exact.get(host, ()),
            *(
                service
                for service in self.wildcard
                if any(either_covers(name, host) for name in service.hosts if name.startswith("*"))
            ),
        ]
        seen = {
            (service.namespace, service.name): service
            for service in found
            if visible(service.export_to, service.namespace, client_namespace)
        }
        return tuple(seen[key] for key in sorted(seen))

    def names(self) -> set[str]:
        """Every host, wildcards as they are written."""
        return {*self.exact, *(host for service in self.wildcard for host in service.hosts)}


def read_virtual_services(
    configuration: Configuration, domain: str, is_read: Callable[[str], bool] | None = None
) -> VirtualServices:
    """The VirtualServices that apply to sidecars (gateway `mesh`), delegates merged in, and Gateway API's routes of
    services, which istiod treats alike. `is_read` says of a namespace whether istiod reads it; null: all are.
    """
    default = texts(configuration.mesh.get("defaultVirtualServiceExportTo"))
    by_name = {(item.namespace, item.name): item for item in configuration.of("VirtualService")}
    every: list[VirtualService] = []
    for item in by_name.values():
        if is_read is not None and not is_read(item.namespace):
            continue
        hosts = tuple(full_name(host, item.namespace, domain) for host in texts(item.spec.get("hosts")))
        gateways = texts(item.spec.get("gateways"))
        if not hosts or (gateways and "mesh" not in gateways):
            continue
        routes = tuple(_routes(item, by_name))
        listed = frozenset(name for owner, route in routes for name in _listed_mirrors(route, owner, domain))
        single = frozenset(_destinations([(owner, {"mirror": route.get("mirror")}) for owner, route in routes], domain))
        every.append(
            VirtualService(
                namespace=item.namespace,
                name=item.name,
                hosts=hosts,
                export_to=texts(item.spec.get("exportTo")) or default,
                destinations=frozenset(_destinations(routes, domain)) | listed,
                mirrored=single | listed,
                listed_mirrors=listed,
            )
        )
    for kind in ROUTE_KINDS:
        routes_here = (item for item in configuration.of(kind) if is_read is None or is_read(item.namespace))
        every.extend(found for item in routes_here for found in _of_route(item, domain))
    return VirtualServices(
        every=tuple(every),
        exact=_index((host, service) for service in every for host in service.hosts if not host.startswith("*")),
        wildcard=tuple(service for service in every if any(host.startswith("*") for host in service.hosts)),
        by_namespace=_index((service.namespace, service) for service in every),
        by_destination=_index((host, service) for service in every for host in sorted(service.destinations)),
    )


def _index(pairs: Iterable[tuple[str, VirtualService]]) -> Mapping[str, tuple[VirtualService, ...]]:
    found: defaultdict[str, list[VirtualService]] = defaultdict(list)
    for key, service in pairs:
        found[key].append(service)
    return {key: tuple(services) for key, services in found.items()}


def _routes(
    item: MeshObject, by_name: Mapping[tuple[str, str], MeshObject]
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every route with the namespace its short names belong to; a delegate's routes in the place of the delegation."""
    for protocol in ("http", "tls", "tcp"):
        for route in map(mapping, items(item.spec.get(protocol))):
            yield item.namespace, route
            delegate = mapping(route.get("delegate"))
            target = by_name.get((str(delegate.get("namespace") or item.namespace), str(delegate.get("name"))))
            if delegate and target is not None and target is not item:
                # Delegates of delegates are not allowed: istiod ignores them.
                for inner in map(mapping, items(target.spec.get("http"))):
                    yield target.namespace, inner


def _of_route(item: MeshObject, domain: str) -> Iterator[VirtualService]:
    """A Gateway API route whose parent is a service; one of another namespace holds for clients of its own alone."""
    targets = frozenset(
        f"{target['name']}.{target.get('namespace') or item.namespace}.svc.{domain}".lower()
        for part in walk(item.spec.get("rules"))
        for target in (*map(mapping, items(part.get("backendRefs"))), mapping(part.get("backendRef")))
        if isinstance(target.get("name"), str) and target.get("kind", "Service") == "Service"
    )
    for parent in map(mapping, items(item.spec.get("parentRefs"))):
        if parent.get("kind") == "Service" and isinstance(parent.get("name"), str):
            owner = str(parent.get("namespace") or item.namespace)
            host = f"{parent['name']}.{owner}.svc.{domain}".lower()
            export_to = () if owner == item.namespace else (".",)
            yield VirtualService(item.namespace, item.name, (host,), export_to, targets, frozenset(), frozenset())


def _destinations(routes: Sequence[tuple[str, Mapping[str, object]]], domain: str) -> Iterator[str]:
    for owner, route in routes:
        for part in walk({key: route.get(key) for key in ("route", "mirror")}):
            for place in (mapping(part.get("destination")), mapping(part.get("mirror"))):
                host = place.get("host")
                if isinstance(host, str):
                    yield full_name(host, owner, domain)


def _listed_mirrors(route: Mapping[str, object], owner: str, domain: str) -> Iterator[str]:
    for mirror in map(mapping, items(route.get("mirrors"))):
        host = mapping(mirror.get("destination")).get("host")
        if isinstance(host, str):
            yield full_name(host, owner, domain)
