"""Gateways of the Gateway API of a class that does not exist.

**What.** A `gatewayClassName` that no GatewayClass of the cluster has and that istiod does not make by itself.

**Why it matters.** No controller takes the Gateway: it gets no address and no proxy.

**Evidence.** The name, and the classes that there are. Without any GatewayClass in the inventory nothing is judged.

**Fix.** One of the cluster's classes, `istio` for Istio's gateways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

UNKNOWN: Final = kiali_code("KIA1504", "Unknown gateway class", "error", "No GatewayClass has the name.")

#: What istiod makes where it may (`pilot/pkg/config/kube/gateway/gatewayclass.go`).
_OF_ISTIO: Final = frozenset({"istio", "istio-remote", "istio-waypoint", "istio-east-west"})


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every Gateway of clusters whose classes are known."""
    del rules
    for cluster in mesh.clusters:
        known = {item.name for item in mesh.of_kind("GatewayClass", cluster=cluster)}
        for item in mesh.of_kind("KubernetesGateway", cluster=cluster) if known else ():
            name = text(item.spec.get("gatewayClassName")) or ""
            if name not in known | _OF_ISTIO:
                message = f"no GatewayClass is called {name!r}; there are {', '.join(sorted(known))}"
                yield finding(UNKNOWN, item, message, path="spec/gatewayClassName")


ANALYZER: Final = configuration_analyzer(
    "unknown_gateway_class",
    kinds=("KubernetesGateway",),
    codes=(UNKNOWN,),
    check=check,
    documentation=__doc__ or "",
)
