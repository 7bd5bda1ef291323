"""The service registry of a cluster as istiod fills it: every declared host, its ports, and who may see it.

Source: istio/istio `pilot/pkg/model/push_context.go` (initServiceRegistry, resolveServiceAliases, IsServiceVisible),
`pkg/kube/namespace/filter.go` (discoverySelectors) and `pkg/config/kube/conversion.go` (protocols of ports).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from analyzers.mesh import hosts
from analyzers.mesh.exports import EVERYWHERE, exported_to
from analyzers.mesh.host_index import HostIndex
from analyzers.mesh.objects import text, texts
from analyzers.mesh.ports import Port, entry_ports, service_ports
from analyzers.mesh.selectors import selects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

Resolution = Literal["STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS", "NONE", "CLUSTER_IP", "HEADLESS", "ALIAS"]

EXPORT_ANNOTATION: Final = "networking.istio.io/exportTo"
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Service:
    """One declared host: of a Kubernetes Service, or one of those of a ServiceEntry.

    `seen_by` are the namespaces that see it (`*`: all; empty: none). `alias_of` is the host that an ExternalName
    Service stands for, through any number of further ones; null for others and where they form a loop.
    """

    host: str
    namespace: str
    item: MeshObject
    ports: tuple[Port, ...]
    seen_by: frozenset[str]
    resolution: Resolution
    addresses: tuple[str, ...] = ()
    is_mesh_external: bool = False
    alias_of: str | None = None

    @property
    def is_kubernetes(self) -> bool:
        """Whether it is a Kubernetes Service."""
        return self.item.kind == "Service"

    def is_seen_by(self, namespace: str) -> bool:
        """Whether proxies of a namespace may see it."""
        return EVERYWHERE in self.seen_by or namespace in self.seen_by

    def port(self, number: int) -> Port | None:
        """The port of this number."""
        return next((port for port in self.ports if port.number == number), None)


class Services:
    """Every host of a cluster, the oldest declaration of a host first. Get it with `services_of`."""

    def __init__(self, services: Iterable[Service], domain: str) -> None:
        self.domain = domain
        self.all = tuple(services)
        self.by_host: HostIndex[Service] = HostIndex((service.host, service) for service in self.all)
        self.by_namespace = _grouped((service.namespace, service) for service in self.all)
        self.by_address = _grouped((address, service) for service in self.all for address in service.addresses)
        self.by_object = _grouped((service.item.identity, service) for service in self.all)
        self.aliases = _grouped((service.alias_of, service) for service in self.all if service.alias_of)

    def declared(self, host: str) -> tuple[Service, ...]:
        """The declarations that take in a full name: of the name itself, else of the narrowest wildcard."""
        return self.by_host.best(host)

    def visible(self, host: str, namespace: str) -> tuple[Service, ...]:
        """Those of the narrowest pattern that a namespace sees."""
        for _, found in self.by_host.covering(host):
            seen = tuple(service for service in found if service.is_seen_by(namespace))
            if seen:
                return seen
        return ()


def services_of(mesh: Mesh, cluster: str = "") -> Services:
    """The registry of a cluster, made once."""
    return mesh.cached(f"services {cluster}", lambda known: _services(known, cluster))


def preferred(services: Iterable[Service], namespace: str) -> Service | None:
    """Of several declarations of one host the one that istiod takes for a namespace.

    The namespace's own, then a Kubernetes Service, then the oldest.
    """
    return min(
        services,
        key=lambda service: (service.namespace != namespace, not service.is_kubernetes),
        default=None,
    )


def is_selected(mesh: Mesh, namespace: str, cluster: str = "") -> bool:
    """Whether discoverySelectors let istiod read objects of a namespace; so, too, where its labels are not known."""
    selectors = mesh.settings(cluster).discovery_selectors
    if not selectors:
        return True
    found = mesh.get("Namespace", "", namespace, cluster=cluster)
    return found is None or any(selects(selector, found.labels) for selector in selectors)


def age_order(item: MeshObject) -> tuple[datetime, str, str]:
    """The order in which istiod sorts objects: by creation, name and namespace."""
    return item.created_at or _LONG_AGO, item.name, item.namespace


def _services(mesh: Mesh, cluster: str) -> Services:
    settings = mesh.settings(cluster)
    domain = settings.cluster_domain
    default = settings.default_service_export_to
    items = [*mesh.of_kind("Service", cluster=cluster), *mesh.of_kind("ServiceEntry", cluster=cluster)]
    selected = {name: is_selected(mesh, name, cluster) for name in {item.namespace for item in items}}
    found: list[Service] = []
    for item in sorted((item for item in items if selected[item.namespace]), key=age_order):
        found += _of_service(item, domain, default) if item.kind == "Service" else _of_entry(item, default)
    aliases = _aliases(found)
    return Services((_resolved(service, aliases) for service in found), domain)


def _of_service(item: MeshObject, domain: str, default: tuple[str, ...]) -> list[Service]:
    external = (text(item.spec.get("externalName")) or "").lower().rstrip(".")
    is_alias = text(item.spec.get("type")) == "ExternalName"
    stated = tuple(part.strip() for part in item.annotations.get(EXPORT_ANNOTATION, "").split(",") if part.strip())
    address = text(item.spec.get("clusterIP"))
    is_headless = address == "None"
    resolution: Resolution = "ALIAS" if is_alias else "HEADLESS" if is_headless else "CLUSTER_IP"
    addresses = {address or "", *texts(item.spec.get("clusterIPs"))} - {"", "None"}
    return [
        Service(
            host=f"{item.name}.{item.namespace}.svc.{domain}".lower(),
            namespace=item.namespace,
            item=item,
            ports=service_ports(item),
            seen_by=exported_to(stated, item.namespace, default),
            resolution=resolution,
            addresses=tuple(sorted(addresses)),
            alias_of=hosts.full_name(external, item.namespace, domain) if is_alias and external else None,
        )
    ]


def _of_entry(item: MeshObject, default: tuple[str, ...]) -> list[Service]:
    seen_by = exported_to(texts(item.spec.get("exportTo")), item.namespace, default)
    ports = entry_ports(item)
    resolution = _resolution(text(item.spec.get("resolution")))
    return [
        Service(
            host=host.strip().lower().rstrip("."),
            namespace=item.namespace,
            item=item,
            ports=ports,
            seen_by=seen_by,
            resolution=resolution,
            addresses=texts(item.spec.get("addresses")),
            is_mesh_external=text(item.spec.get("location")) != "MESH_INTERNAL",
        )
        for host in texts(item.spec.get("hosts"))
    ]


def _resolution(value: str | None) -> Resolution:
    match value:
        case "STATIC" | "DNS" | "DNS_ROUND_ROBIN" | "DYNAMIC_DNS":
            return value
        case _:
            return "NONE"


def _aliases(services: Iterable[Service]) -> Mapping[str, str]:
    """Host of an ExternalName Service -> the host that it stands for in the end."""
    direct = {service.host: service.alias_of for service in services if service.alias_of}
    found: dict[str, str] = {}
    for host, named in direct.items():
        seen, target = {host}, named
        while target in direct and target not in seen:
            seen.add(target)
            target = direct[target]
        if target not in seen:
            found[host] = target
    return found


def _resolved(service: Service, aliases: Mapping[str, str]) -> Service:
    final = aliases.get(service.host) if service.alias_of else None
    return service if service.alias_of == final else replace(service, alias_of=final)


def _grouped(pairs: Iterable[tuple[str, Service]]) -> Mapping[str, tuple[Service, ...]]:
    found: defaultdict[str, list[Service]] = defaultdict(list)
    for key, service in pairs:
        found[key].append(service)
    return {key: tuple(services) for key, services in found.items()}
