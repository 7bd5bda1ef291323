"""Gateways that select no workload, or listen on a port that no Service in front of it has.

**What.** A Gateway's selector picks no pod; or a server's port is on none of the Services that select its pods.

**Why it matters.** Traffic never arrives: there is no proxy, or no way to it.

**Evidence.** The selector and the port.

**Fix.** Compare the selector with the labels of the gateway's pods, and add the port to its Service.

Beyond Istio's check: a server's port is the pod's port, so a Service's `targetPort` counts as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code, selector_text
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh.objects import at, integer, mapping, mappings, strings
from analyzers.mesh.selectors import LabelIndex, carries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NO_WORKLOAD: Final = Code(
    "ML1903",
    "Gateway without a workload",
    "error",
    "A Gateway's selector picks no pod.",
    ("IST0101", "KIA0302"),
)
NO_PORT: Final = istio_code(
    162, "Gateway port on no Service", "warning", "No Service in front of the gateway's pods has the server's port."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every Gateway against pods and Services of its cluster."""
    for cluster in mesh.clusters:
        pods = LabelIndex(mesh.of_kind("Pod", cluster=cluster), lambda pod: pod.labels)
        for item in mesh.of_kind("Gateway", cluster=cluster):
            wanted = strings(item.spec.get("selector"))
            selected = pods.carrying(wanted)
            if not selected:
                message = f"selector {selector_text(wanted)} picks no pod"
                yield finding(NO_WORKLOAD, item, message, path="spec/selector")
                continue
            ports = {port for pod in selected for port in _ports(mesh, pod, rules)}
            for position, server in mappings(item.spec.get("servers")):
                if not mapping(server.get("port")):
                    continue
                number = integer(at(server, "port", "number"))
                if number is not None and number not in ports:
                    message = f"port {number} is on no Service in front of pods with {selector_text(wanted)}"
                    yield finding(NO_PORT, item, message, path=f"spec/servers[{position}]/port/number")


def _ports(mesh: Mesh, pod: MeshObject, rules: Rules) -> Iterator[int]:
    for service in mesh.in_namespace("Service", pod.namespace, cluster=pod.cluster):
        # A Service without a selector selects nothing by itself; Istio's check lets it select everything.
        wanted = strings(service.spec.get("selector"))
        if (not wanted and not rules.istio) or not carries(pod.labels, wanted):
            continue
        for _, port in mappings(service.spec.get("ports")):
            if port.get("protocol", None if rules.istio else "TCP") in {"TCP", None}:
                numbers = [port.get("port")] if rules.istio else [port.get("port"), port.get("targetPort")]
                yield from (number for found in numbers if (number := integer(found)) is not None)


ANALYZER: Final = configuration_analyzer(
    "gateway_port",
    kinds=("Gateway",),
    codes=(NO_WORKLOAD, NO_PORT),
    check=check,
    documentation=__doc__ or "",
)
