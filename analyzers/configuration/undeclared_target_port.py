"""Services that send to ports their pods do not declare.

**What.** A `targetPort` that no container of the pods behind the Service declares. A name that none has is a warning:
the Service then has no endpoint for the port. A number is information, and only where the pods declare other ports:
to declare ports is optional.

**Why it matters.** Calls to the port are refused, or find no endpoint at all.

**Evidence.** The port, and what the pods declare.

**Fix.** The port that the container listens at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import integer, mappings, strings, text
from analyzers.mesh.workloads import Workload, workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

UNDECLARED: Final = kiali_code("KIA0701", "Undeclared target port", "warning", "No container declares the targetPort.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every port of every Service with a selector whose pods are known."""
    del rules
    for item in mesh.of_kind("Service"):
        selector = strings(item.spec.get("selector"))
        near = workloads_of(mesh, item.cluster).selected(item.namespace, selector) if selector else ()
        if near and all(_declared(workload) for workload in near):
            yield from _ports(item, near)


def _ports(item: MeshObject, near: Sequence[Workload]) -> Iterator[Finding]:
    names = {name for workload in near for name, _ in _declared(workload) if name}
    numbers = {number for workload in near for _, number in _declared(workload)}
    for position, port in mappings(item.spec.get("ports")):
        name = text(port.get("targetPort"))
        number = integer(port.get("targetPort")) or integer(port.get("port"))
        path = f"spec/ports[{position}]/targetPort"
        listed = ", ".join(map(str, sorted(numbers)))
        if name is not None and name not in names:
            yield finding(UNDECLARED, item, f"no container has a port called {name} (ports: {listed})", path=path)
        elif name is None and number not in numbers:
            message = f"no container declares port {number} (declared: {listed})"
            yield finding(UNDECLARED, item, message, path=path, severity="info")


def _declared(workload: Workload) -> list[tuple[str, int]]:
    """Name and number of every port that a workload's containers declare."""
    return [
        (text(port.get("name")) or "", integer(port.get("containerPort")) or 0)
        for part in ("containers", "initContainers")
        for _, container in mappings(workload.spec.get(part))
        for _, port in mappings(container.get("ports"))
    ]


ANALYZER: Final = configuration_analyzer(
    "undeclared_target_port", kinds=("Service",), codes=(UNDECLARED,), check=check, documentation=__doc__ or ""
)
