"""What a Sidecar's hosts bring to a proxy: the three import sets, computed apart (`pilot/pkg/model/sidecar.go`).

Listeners, virtual hosts and DNS names come from the services that the hosts match; VirtualServices from the hosts
matched in the VirtualService's own namespace; clusters from the former and what the latter route to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analyzers.scoping.names import either_covers, imports, namespace_covers, split, visible
from analyzers.scoping.registry import is_api_server, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.model import Observation
    from analyzers.scoping.registry import Service
    from analyzers.scoping.virtual_services import VirtualService


@dataclass(frozen=True, slots=True)
class Scope:
    """The import sets of one namespace's proxies. Services are keyed by `namespace/host`."""

    namespace: str
    hosts: tuple[str, ...]
    listeners: Mapping[str, Service]
    virtual_services: frozenset[tuple[str, str]]
    clusters: Mapping[str, Service]


@dataclass(frozen=True, slots=True)
class Loss:
    """What a call loses under a scope: `part` is the import set that lacks it, `service` whose call it is."""

    part: Literal["cluster", "alias", "route", "virtual_service"]
    because: str
    service: Service


def scope_of(mesh: Mesh, namespace: str, hosts: Iterable[str]) -> Scope:
    """What `hosts` import for a proxy of `namespace`."""
    entries = tuple(sorted(hosts))
    listeners: dict[str, Service] = {}
    routed: dict[tuple[str, str], VirtualService] = {}
    for entry in entries:
        wanted, name = split(entry)
        for service in _services(mesh, namespace, wanted, name):
            if visible(service.export_to, service.namespace, namespace):
                listeners.setdefault(service.entry, service)
        for found in _virtual_services(mesh, namespace, wanted, name):
            routed[found.namespace, found.name] = found
    clusters = dict(listeners)
    for found in routed.values():
        for destination in found.destinations:
            for service in mesh.registry.resolve(destination, namespace):
                clusters.setdefault(service.entry, service)
    return Scope(namespace, entries, listeners, frozenset(routed), clusters)


def lost(mesh: Mesh, scope: Scope, call: Observation) -> Loss | None:
    """What a call would lose under a scope; null where it goes as before, and for calls to no host of the registry."""
    registry = mesh.registry
    routed = registry.resolve(call.callee, scope.namespace) if call.callee else ()
    if not routed or (call.route != "registry" and is_api_server(routed)):
        return None
    requested = registry.resolve(call.requested, scope.namespace) if call.requested else ()
    named = requested or routed
    if not any(service.entry in scope.clusters for service in routed):
        return Loss("cluster", f"{routed[0].host} has no cluster", routed[0])
    if call.evidence != "caller_log":
        return None  # neither the callee nor metrics know by which name it was called
    if requested and requested[0].external_name and requested[0].host != routed[0].host:
        alias = requested[0].host
        if not any(imports(scope.hosts, service.namespace, alias, scope.namespace) for service in routed):
            return Loss("alias", f"{alias} is no alias of {routed[0].host} any more", routed[0])
        return None
    virtual_only = bool(call.requested) and not requested and scope_has_host(mesh, scope, call.requested or "")
    if not virtual_only and not any(service.entry in scope.listeners for service in named):
        return Loss("route", f"{named[0].host} has no route", named[0])
    for found in mesh.virtual_services.of(named[0].host, scope.namespace):
        if (found.namespace, found.name) not in scope.virtual_services:
            because = f"VirtualService {found.namespace}/{found.name} no longer applies to {named[0].host}"
            return Loss("virtual_service", because, named[0])
    return None


def scope_has_host(mesh: Mesh, scope: Scope, host: str) -> bool:
    """Whether an imported VirtualService has `host`."""
    return any(
        (found.namespace, found.name) in scope.virtual_services
        for found in mesh.virtual_services.of(host, scope.namespace)
    )


def _services(mesh: Mesh, namespace: str, wanted: str, name: str) -> Iterable[Service]:
    registry = mesh.registry
    if name.startswith("*"):
        if wanted == "*":
            return matching(registry.services, name)
        return matching(registry.by_namespace.get(namespace if wanted == "." else wanted, ()), name)
    found = registry.by_host.get(name.lower(), ())
    return [service for service in found if namespace_covers(wanted, service.namespace, namespace)]


def _virtual_services(mesh: Mesh, namespace: str, wanted: str, name: str) -> Iterable[VirtualService]:
    if name.startswith("*"):
        known = mesh.virtual_services
        near = known.every if wanted == "*" else known.by_namespace.get(namespace if wanted == "." else wanted, ())
        found = [item for item in near if any(either_covers(host, name) for host in item.hosts)]
    else:
        found = list(mesh.virtual_services.of(name.lower(), namespace))
    return [
        item
        for item in found
        if namespace_covers(wanted, item.namespace, namespace) and visible(item.export_to, item.namespace, namespace)
    ]
