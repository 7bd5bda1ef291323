"""Policies that select the pods of a Gateway API gateway by label.

**What.** An AuthorizationPolicy, RequestAuthentication, Telemetry or WasmPlugin with a `selector` that picks pods of a
gateway which the Gateway API made.

**Why it matters.** Such gateways take policies by `targetRefs`; a selector has no effect on waypoints.

**Evidence.** The gateway.

**Fix.** `targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: GATEWAY}]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import GATEWAY_NAME_LABEL, istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, strings
from analyzers.mesh.selectors import carries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

INEFFECTIVE: Final = istio_code(
    166, "Selector without effect on a gateway", "warning", "Gateways of the Gateway API take policies by targetRefs."
)
KINDS: Final = ("AuthorizationPolicy", "RequestAuthentication", "Telemetry", "WasmPlugin")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Each policy once for every gateway in its namespace that its selector picks."""
    pods: dict[tuple[str, str], list[MeshObject]] = {}
    for pod in mesh.of_kind("Pod"):
        if GATEWAY_NAME_LABEL in pod.labels:
            pods.setdefault((pod.cluster, pod.namespace), []).append(pod)
    for kind in KINDS:
        for item in mesh.of_kind(kind):
            if item.spec.get("selector") is None or "targetRef" in item.spec:
                continue
            if not rules.istio and item.spec.get("targetRefs"):
                continue
            wanted = strings(at(item.spec, "selector", "matchLabels"))
            near = pods.get((item.cluster, item.namespace), [])
            # An empty selector means the whole namespace, as none does: that it takes in gateways is no mistake.
            picked = [pod for pod in near if carries(pod.labels, wanted)] if wanted or rules.istio else []
            for name in sorted({pod.labels[GATEWAY_NAME_LABEL] for pod in picked}):
                message = f"selects pods of the gateway {name}, which takes policies by targetRefs"
                yield finding(INEFFECTIVE, item, message, path="spec/selector", identity=(name,))


ANALYZER: Final = configuration_analyzer(
    "ineffective_selector", kinds=KINDS, codes=(INEFFECTIVE,), check=check, documentation=__doc__ or ""
)
