"""The ports at which the Services in front of a workload reach it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzers.mesh.services import Service, services_of
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.workloads import Workload


@dataclass(frozen=True, slots=True)
class ServedPorts:
    """`targets` are ports of the workload; `by_service` leads from the number of a Service's port to one of them.

    `is_tcp_alone`: every port is declared to be TCP (or another protocol than HTTP).
    """

    targets: frozenset[int]
    by_service: Mapping[int, int]
    is_tcp_alone: bool


def services_before(mesh: Mesh, workload: Workload) -> tuple[Service, ...]:
    """The Services and ServiceEntries that select a workload."""
    return mesh.cached(f"services by workload {workload.cluster}", lambda known: _before(known, workload.cluster)).get(
        id(workload), ()
    )


def served_ports(mesh: Mesh, workload: Workload) -> ServedPorts:
    """The ports of the Services in front of a workload; nothing where a target cannot be told."""
    by_service: dict[int, int] = {}
    protocols: list[bool] = []
    for service in services_before(mesh, workload):
        for port in service.ports:
            target = port.target if isinstance(port.target, int) else workload.port_named(port.target)
            if target is None:
                return ServedPorts(frozenset(), {}, is_tcp_alone=False)
            by_service[port.number] = target
            protocols.append(port.is_http)
    return ServedPorts(frozenset(by_service.values()), by_service, bool(protocols) and not any(protocols))


def _before(mesh: Mesh, cluster: str) -> Mapping[int, tuple[Service, ...]]:
    workloads = workloads_of(mesh, cluster)
    found: defaultdict[int, list[Service]] = defaultdict(list)
    for service in services_of(mesh, cluster).all:
        for workload in workloads.behind(service):
            found[id(workload)].append(service)
    return {key: tuple(services) for key, services in found.items()}
