"""The service registry as istiod would fill it: every declared host, who may see it and which one a name means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analyzers.scoping.names import covers, qualified, spellings, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pipelines.lake.session import Session


@dataclass(frozen=True, slots=True)
class Service:
    """One declared host. `meshed_endpoints` of its `endpoints` have a sidecar and so are called with mTLS.

    A headless one (no cluster IP, or resolution NONE) is dialled by the addresses of its pods. A remote one is declared
    in some of several clusters only; `location` is mesh or external.
    """

    host: str
    namespace: str
    name: str
    kind: str
    ports: tuple[int, ...] = ()
    http_ports: tuple[int, ...] = ()
    endpoints: int = 0
    meshed_endpoints: int = 0
    export_to: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    external_name: str | None = None
    is_headless: bool = False
    location: str = "mesh"
    is_remote: bool = False

    @property
    def entry(self) -> str:
        """The host in normal form."""
        return qualified(self.namespace, self.host)


@dataclass(frozen=True, slots=True)
class Registry:
    """Every declared host. Build one with `registry_of`."""

    domain: str
    services: tuple[Service, ...]
    by_host: Mapping[str, tuple[Service, ...]] = field(repr=False)
    by_address: Mapping[str, tuple[Service, ...]] = field(repr=False)
    by_namespace: Mapping[str, tuple[Service, ...]] = field(repr=False)
    by_external_name: Mapping[str, tuple[Service, ...]] = field(repr=False)

    def aliases_of(self, host: str, client_namespace: str) -> tuple[Service, ...]:
        """The ExternalNames that stand for a host and that a client may see."""
        found = self.by_external_name.get(host, ())
        return tuple(item for item in found if visible(item.export_to, item.namespace, client_namespace))

    def resolve(self, name: str, client_namespace: str) -> tuple[Service, ...]:
        """The services that `name` (a name in any spelling, or an address) means to a client.

        Several hosts of one name: the client's own namespace, then Kubernetes, then all that are left, since istiod
        takes an arbitrary one. What the client may not see is left out; nothing declared: empty.
        """
        for found in self._meanings(name, client_namespace):
            seen = tuple(
                service for service in found if visible(service.export_to, service.namespace, client_namespace)
            )
            if seen:
                own = tuple(service for service in seen if service.namespace == client_namespace)
                return own or tuple(service for service in seen if service.kind == "Service") or seen
        return ()

    def declared(self, name: str, client_namespace: str) -> tuple[Service, ...]:
        """What `name` would mean to a client that may see everything."""
        return next(self._meanings(name, client_namespace), ())

    def seen(self, host: str, client_namespace: str) -> tuple[Service, ...]:
        """Every declaration of a full host name that the client may see."""
        found = self.by_host.get(host, ())
        return tuple(service for service in found if visible(service.export_to, service.namespace, client_namespace))

    def visible_from(self, client_namespace: str) -> tuple[Service, ...]:
        """Every service that a proxy of the namespace gets without a Sidecar."""
        return tuple(
            service for service in self.services if visible(service.export_to, service.namespace, client_namespace)
        )

    def spelled_names(self) -> set[str]:
        """Every spelling that an authority may use for a declared host."""
        names = set(self.by_host)
        suffix = f".svc.{self.domain}"
        for host in self.by_host:
            if host.endswith(suffix):
                short = host.removesuffix(suffix)
                names |= {short, f"{short}.svc", short.partition(".")[0]}
        return names

    def without(self, is_left_out: Callable[[Service], bool]) -> Registry:
        """The registry without some of its services."""
        return registry_of((service for service in self.services if not is_left_out(service)), self.domain)

    def _meanings(self, name: str, client_namespace: str) -> Iterator[tuple[Service, ...]]:
        for spelled in spellings(name, client_namespace, self.domain):
            found = self.by_host.get(spelled) or self._wildcard(spelled) or self.by_address.get(spelled, ())
            if found:
                yield found
        # `kafka-0.kafka.data` is a pod of a headless service, whose virtual host takes in its pods' names.
        pod, _, rest = name.partition(".")
        for spelled in spellings(rest, client_namespace, self.domain) if pod and rest else ():
            headless = tuple(service for service in self.by_host.get(spelled, ()) if service.is_headless)
            if headless:
                yield headless

    def _wildcard(self, name: str) -> tuple[Service, ...]:
        # `*.b.example` serves `a.b.example`; the longest suffix wins, as in Envoy's virtual hosts.
        labels = name.split(".")
        for place in range(1, len(labels)):
            found = self.by_host.get("*." + ".".join(labels[place:]))
            if found:
                return found
        return ()


def registry_of(services: Iterable[Service], domain: str) -> Registry:
    """A registry with its indexes."""
    ordered = tuple(sorted(services, key=lambda service: (service.host, service.namespace, service.kind, service.name)))
    return Registry(
        domain=domain,
        services=ordered,
        by_host=_index((service.host, service) for service in ordered),
        by_address=_index((address, service) for service in ordered for address in service.addresses),
        by_namespace=_index((service.namespace, service) for service in ordered),
        by_external_name=_index(
            (service.external_name, service) for service in ordered if service.external_name is not None
        ),
    )


def read_registry(session: Session, default_export_to: Sequence[str]) -> Registry:
    """The registry at the end of what was ingested; `default_export_to` is the mesh's `defaultServiceExportTo`."""
    settings = session.query("cluster_settings").to_pylist()
    domain = str(settings[0]["cluster_domain"]) if settings else "cluster.local"
    rows = session.query("scoping_registry").to_pylist()
    clusters = len({cluster for row in rows for cluster in row["clusters"] or ()})
    services = []
    for row in rows:
        stated = [entry.strip() for entry in (row["export_to"] or "").split(",") if entry.strip()]
        services.append(
            Service(
                host=row["host"],
                namespace=row["namespace"],
                name=row["name"],
                kind=row["kind"],
                ports=tuple(row["ports"]),
                http_ports=tuple(row["http_ports"]),
                endpoints=row["endpoints"],
                meshed_endpoints=row["meshed_endpoints"],
                export_to=tuple(stated or default_export_to),
                addresses=tuple(row["addresses"] or ()),
                external_name=(row["external_name"] or "").lower().rstrip(".") or None,
                is_headless=bool(row["is_headless"]),
                location=row["location"],
                is_remote=len(row["clusters"] or ()) < clusters,
            )
        )
    return registry_of(services, domain)


def matching(services: Iterable[Service], pattern: str) -> tuple[Service, ...]:
    """The services that a host pattern takes in."""
    return tuple(service for service in services if covers(pattern, service.host))


def is_api_server(services: Sequence[Service]) -> bool:
    """Whether a name means the cluster's API server, which clients dial by address, past the mesh."""
    return any(service.name == "kubernetes" and service.namespace == "default" for service in services)


def _index(pairs: Iterable[tuple[str, Service]]) -> Mapping[str, tuple[Service, ...]]:
    found: dict[str, list[Service]] = {}
    for key, service in pairs:
        found.setdefault(key, []).append(service)
    return {key: tuple(services) for key, services in found.items()}
