"""Everything about the mesh that scoping reads besides telemetry, read once for all workloads."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzers.scoping.configuration import Configuration, read_configuration, texts
from analyzers.scoping.registry import Registry, read_registry
from analyzers.scoping.virtual_services import VirtualServices, read_virtual_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.scoping.workloads import Workload
    from pipelines.lake.session import Session


@dataclass(frozen=True, slots=True)
class Mesh:
    """Registry, VirtualServices, configuration, the hosts that each pod (namespace, name) serves, and the hosts whose
    pods have sidecars.
    """

    registry: Registry
    virtual_services: VirtualServices
    configuration: Configuration
    served_by_pod: Mapping[tuple[str, str], tuple[str, ...]]
    meshed_hosts: frozenset[str]

    def served(self, workload: Workload) -> tuple[str, ...]:
        """The hosts that a workload's pods serve, sorted."""
        hosts = {host for pod in workload.pods for host in self.served_by_pod.get((pod.namespace, pod.name), ())}
        return tuple(sorted(hosts))

    def names(self) -> set[str]:
        """Every name that an authority may use to mean a destination of the mesh."""
        return self.registry.spelled_names() | self.virtual_services.names()


def read_mesh(session: Session) -> Mesh:
    """The mesh at the end of what was ingested."""
    configuration = read_configuration(session)
    registry = read_registry(session, texts(configuration.mesh.get("defaultServiceExportTo")))
    served: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in session.query("service_backends").to_pylist():
        served[row["namespace"], row["pod"]].append(row["host"].lower())
    return Mesh(
        registry=registry,
        virtual_services=read_virtual_services(configuration, registry.domain),
        configuration=configuration,
        served_by_pod={pod: tuple(hosts) for pod, hosts in served.items()},
        meshed_hosts=frozenset(service.host for service in registry.services if service.meshed_endpoints),
    )
