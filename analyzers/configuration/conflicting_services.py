"""Deployments whose ports several Services expose in ways that contradict each other.

**What.** Services that select one Deployment's pods give one port different protocols, or send different ports to one
target port.

**Why it matters.** A pod's port has one listener in its proxy: which Service's protocol it gets is undefined.

**Evidence.** The port and the Services.

**Fix.** One protocol for each port of a workload, and one Service port for each target port.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name, in_mesh, istio_code, template_labels
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, integer, mappings, strings, text
from analyzers.mesh.selectors import carries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

PROTOCOLS: Final = istio_code(
    116,
    "Several protocols on one port",
    "warning",
    "Services of one workload declare different protocols for one port.",
)
TARGETS: Final = istio_code(
    137, "Several ports to one target port", "warning", "Services of one workload send different ports to one target."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every Deployment of the mesh against the Services of its namespace."""
    del rules
    for item in mesh.of_kind("Deployment"):
        is_waypoint = item.labels.get("gateway.istio.io/managed") == "istio.io-mesh-controller"
        if is_waypoint or not in_mesh(mesh, item, template_labels(item), _annotations(item), init=False):
            continue
        labels = template_labels(item)
        services = [
            service
            for service in mesh.in_namespace("Service", item.namespace, cluster=item.cluster)
            if (wanted := strings(service.spec.get("selector"))) and carries(labels, wanted)
        ]
        yield from _protocols(item, services)
        yield from _targets(item, services)


def _annotations(item: MeshObject) -> dict[str, str]:
    return dict(strings(at(item.spec, "template", "metadata", "annotations")))


def _protocols(item: MeshObject, services: Sequence[MeshObject]) -> Iterator[Finding]:
    found: defaultdict[int, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for service in services:
        for _, port in mappings(service.spec.get("ports")):
            number = integer(port.get("port"))
            if number is not None:
                found[number][text(port.get("protocol")) or "TCP"].append(full_name(service))
    for number, protocols in sorted(found.items()):
        if len(protocols) > 1:
            names = ", ".join(sorted(name for names in protocols.values() for name in names))
            message = f"port {number} is {' and '.join(sorted(protocols))} in Services {names}"
            yield finding(PROTOCOLS, item, message, path="metadata/name", identity=(str(number),))


def _targets(item: MeshObject, services: Sequence[MeshObject]) -> Iterator[Finding]:
    found: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for service in services:
        for _, port in mappings(service.spec.get("ports")):
            number = integer(port.get("port"))
            target = port.get("targetPort")
            if number is not None:
                found[str(target) if target not in {None, 0, "", "0"} else str(number)][number] = full_name(service)
    for target, ports in sorted(found.items()):
        if len(ports) > 1:
            names = ", ".join(sorted(ports.values()))
            message = f"ports {', '.join(map(str, sorted(ports)))} of {names} all go to target port {target}"
            yield finding(TARGETS, item, message, path="metadata/name", identity=(target,))


ANALYZER: Final = configuration_analyzer(
    "conflicting_services",
    kinds=("Deployment",),
    codes=(PROTOCOLS, TARGETS),
    check=check,
    documentation=__doc__ or "",
)
