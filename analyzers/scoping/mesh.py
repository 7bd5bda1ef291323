"""Everything about the mesh that scoping reads besides telemetry, read once for all workloads."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from analyzers.scoping.configuration import Configuration, read_configuration, texts
from analyzers.scoping.discovery import Discovery, discovery_of
from analyzers.scoping.registry import Registry, read_registry, registry_of
from analyzers.scoping.virtual_services import VirtualServices, read_virtual_services

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from analyzers.scoping.registry import Service
    from analyzers.scoping.workloads import Workload
    from pipelines.lake.session import Session


@dataclass(frozen=True, slots=True)
class Tenure:
    """That a host had an address from `start` to `end` (null: still)."""

    host: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Mesh:
    """Registry, VirtualServices, configuration, the hosts that each pod (namespace, name) serves, and the hosts whose
    pods have sidecars.

    `undiscovered` holds what is declared in namespaces that istiod does not read; `reused` says which host had an
    address from when to when, for addresses that several services had.
    """

    registry: Registry
    virtual_services: VirtualServices
    configuration: Configuration
    served_by_pod: Mapping[tuple[str, str], tuple[str, ...]]
    meshed_hosts: frozenset[str]
    discovery: Discovery = field(default_factory=Discovery)
    undiscovered: Registry = field(default_factory=lambda: registry_of((), "cluster.local"))
    reused: Mapping[str, tuple[Tenure, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def served(self, workload: Workload) -> tuple[str, ...]:
        """The hosts that a workload's pods serve, sorted."""
        hosts = {host for pod in workload.pods for host in self.served_by_pod.get((pod.namespace, pod.name), ())}
        return tuple(sorted(hosts))

    def names(self) -> set[str]:
        """Every name that an authority may use to mean a destination of the mesh."""
        names = self.registry.spelled_names() | self.undiscovered.spelled_names() | self.virtual_services.names()
        return names | self._pod_names()

    def _pod_names(self) -> set[str]:
        """Every spelling of the pods of headless services, which have names of their own."""
        headless = {service.host: service for service in self.registry.services if service.is_headless}
        names: set[str] = set()
        for (_, pod), hosts in self.served_by_pod.items() if headless else ():
            for service in (headless[host] for host in hosts if host in headless):
                short = f"{pod}.{service.name}"
                names |= {short, f"{short}.{service.namespace}", f"{short}.{service.namespace}.svc"}
                names.add(f"{pod}.{service.host}")
        return names


def read_mesh(session: Session, version: tuple[int, int] | None = None) -> Mesh:
    """The mesh at the end of what was ingested; `version` is its control plane's, where it is known."""
    configuration = read_configuration(session)
    discovery = discovery_of(configuration, version)
    everything = read_registry(session, texts(configuration.mesh.get("defaultServiceExportTo")))
    undiscovered = everything.without(lambda service: _is_read(discovery, service))
    registry = everything.without(lambda service: not _is_read(discovery, service))
    served: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in session.query("service_backends").to_pylist():
        served[row["namespace"], row["pod"]].append(row["host"].lower())
    return Mesh(
        registry=registry,
        virtual_services=read_virtual_services(
            configuration, registry.domain, discovery.knows if discovery.is_enhanced else None
        ),
        configuration=configuration,
        served_by_pod={pod: tuple(hosts) for pod, hosts in served.items()},
        meshed_hosts=frozenset(service.host for service in registry.services if service.meshed_endpoints),
        discovery=discovery,
        undiscovered=undiscovered,
        reused=_reused(session),
    )


def _is_read(discovery: Discovery, service: Service) -> bool:
    return (service.kind == "ServiceEntry" and not discovery.is_enhanced) or discovery.knows(service.namespace)


def _reused(session: Session) -> Mapping[str, tuple[Tenure, ...]]:
    found: defaultdict[str, list[Tenure]] = defaultdict(list)
    for row in session.query("scoping_reused_addresses").to_pylist():
        found[row["address"]].append(Tenure(row["host"].lower(), row["valid_from"], row["valid_to"]))
    return {address: tuple(tenures) for address, tenures in found.items()}
