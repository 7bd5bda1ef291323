"""Visibility: which Services, ServiceEntries, VirtualServices and DestinationRules a given proxy sees.

Three import sets, each by its own rule (istio/istio `pilot/pkg/model/sidecar.go`):

- routes: the services that the Sidecar's egress hosts match in the service's namespace. They get listeners, virtual
  hosts and DNS names (`Scope.routed`, `Scope.routed_services`).
- VirtualServices: matched by host in the VirtualService's own namespace (`Scope.virtual_services`).
- clusters: the first set, and what the VirtualServices route to (`Scope.service`, `Scope.services`).

DestinationRules do not depend on egress hosts at all (`Scope.destination_rule`). Gateways and waypoints have no
Sidecar: they see all that is exported to their namespace. Objects of namespaces that discoverySelectors leave out are
seen by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from analyzers.mesh import hosts
from analyzers.mesh.destination_rules import DestinationRule, DestinationRules, destination_rules_of
from analyzers.mesh.services import Service, Services, preferred, services_of
from analyzers.mesh.sidecars import EgressListener, egress_listeners, outbound_policy, sidecar_for
from analyzers.mesh.virtual_services import VirtualService, VirtualServices, virtual_services_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

ProxyKind = Literal["sidecar", "gateway", "waypoint"]


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: where it runs, the labels of its pod, and what it is."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: ProxyKind = "sidecar"
    cluster: str = ""


class Scope:
    """What the proxies of one namespace and one Sidecar see. Get it with `scope_of`.

    Host names are full names (`analyzers.mesh.hosts.full_name`); `resolve` takes any spelling.
    """

    def __init__(
        self,
        namespace: str,
        sidecar: MeshObject | None,
        listeners: tuple[EgressListener, ...],
        outbound_traffic_policy: str,
        registry: tuple[Services, VirtualServices, DestinationRules],
    ) -> None:
        self.namespace = namespace
        self.sidecar = sidecar
        self.listeners = listeners
        self.outbound_traffic_policy = outbound_traffic_policy
        self._services, self._virtual_services, self._rules = registry

    def routed(self, host: str, port: int | None = None) -> Service | None:
        """The service that calls to a declared host are routed to; null where the proxy has no route for it.

        With a `port` that listener alone counts which serves it. An ExternalName's host leads to the service that it
        stands for, if the entries that import that service take in the alias, too.
        """
        return next((found for listener in self._near(port) if (found := self._routed(host, listener))), None)

    def service(self, host: str) -> Service | None:
        """The service whose clusters the proxy has for a host: a routed one, or one a VirtualService routes to."""
        found = self.routed(host)
        if found is not None:
            return found
        inferred = self._best_visible(host)
        return inferred if inferred is not None and self._is_routed_to(host, inferred) else None

    def resolve(self, name: str) -> Service | None:
        """The service that a client of the namespace means by a name in any spelling, and that its proxy routes."""
        for spelled in hosts.spellings(name, self.namespace, self._services.domain):
            for pattern, _ in self._services.by_host.covering(spelled):
                found = self.routed(pattern)
                if found is not None:
                    return found
        return None

    def virtual_services(self, host: str, port: int | None = None) -> tuple[VirtualService, ...]:
        """The imported VirtualServices that have, or take in, a host: the most specific first, then the oldest."""
        near = self._near(port)
        return tuple(
            item
            for _, items in self._virtual_services.in_mesh.covering(host)
            for item in items
            if self._imports(item, near)
        )

    def imports(self, item: VirtualService) -> bool:
        """Whether a VirtualService is imported by any listener."""
        return self._imports(item, self.listeners)

    def destination_rule(
        self, host: str, service_namespace: str, labels: Mapping[str, str] | None = None
    ) -> DestinationRule | None:
        """The DestinationRule for a host; `labels` are those of the proxy's pod (for workload selectors)."""
        return self._rules.of(host, service_namespace, self.namespace, labels)

    def routed_services(self) -> Iterator[Service]:
        """Every service that the proxy has routes for, sorted by host."""
        for host in sorted({service.host for service in self._services.all}):
            found = self.routed(host)
            if found is not None and found.host == host:
                yield found

    def services(self) -> Iterator[Service]:
        """Every service that the proxy has clusters for, sorted by host."""
        for host in sorted({service.host for service in self._services.all}):
            found = self.service(host)
            if found is not None and found.host == host:
                yield found

    def _near(self, port: int | None) -> tuple[EgressListener, ...]:
        """The listener that serves a port: the one bound to it, else the one that catches all."""
        if port is None:
            return self.listeners
        return next(((one,) for one in self.listeners if one.port in {None, port}), ())

    def _routed(self, host: str, listener: EgressListener) -> Service | None:
        declared = self._services.by_host.of(host)
        alias = next((service.alias_of for service in declared if service.alias_of), None)
        if alias is None:
            return preferred((one for one in declared if self._takes(one, listener)), self.namespace)
        concrete = [one for one in self._services.by_host.of(alias) if self._takes(one, listener)]
        named = [one for one in concrete if listener.imports.takes_service(one.namespace, host)]
        return preferred(named, self.namespace)

    def _takes(self, service: Service, listener: EgressListener) -> bool:
        if not service.is_seen_by(self.namespace) or service.resolution == "ALIAS":
            return False
        if listener.is_bound_to_port and service.port(listener.port or 0) is None:
            return False
        return listener.imports.takes_service(service.namespace, service.host)

    def _imports(self, item: VirtualService, listeners: tuple[EgressListener, ...]) -> bool:
        return item.is_seen_by(self.namespace) and any(
            listener.imports.takes_virtual_service(item.item.namespace, host, is_gateway_api=False)
            for listener in listeners
            for host in item.hosts
        )

    def _is_routed_to(self, host: str, service: Service) -> bool:
        return any(
            target.is_for(self.namespace) and (target.port is None or service.port(target.port) is not None)
            for item in self._virtual_services.routing_to.get(host, ())
            if self.imports(item)
            for target in item.destinations[host]
        )

    def _best_visible(self, host: str) -> Service | None:
        seen = [one for one in self._services.by_host.of(host) if one.is_seen_by(self.namespace)]
        return preferred(sorted(seen, key=lambda one: one.namespace), self.namespace)


def scope_of(mesh: Mesh, proxy: Proxy) -> Scope:
    """What a proxy sees. Proxies with one namespace and one Sidecar share a scope."""
    is_sidecar = proxy.kind == "sidecar"
    sidecar = sidecar_for(mesh, proxy.namespace, proxy.labels, proxy.cluster) if is_sidecar else None
    name = sidecar.identity if sidecar else "-"
    return mesh.cached(
        f"scope {proxy.cluster} {proxy.namespace} {name}",
        lambda known: _scope(known, proxy.namespace, sidecar, proxy.cluster),
    )


def _scope(mesh: Mesh, namespace: str, sidecar: MeshObject | None, cluster: str) -> Scope:
    settings = mesh.settings(cluster)
    return Scope(
        namespace,
        sidecar,
        egress_listeners(sidecar, namespace, settings.istio_version),
        outbound_policy(sidecar, settings.outbound_traffic_policy),
        (services_of(mesh, cluster), virtual_services_of(mesh, cluster), destination_rules_of(mesh, cluster)),
    )
