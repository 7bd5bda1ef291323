"""Sidecars of which a part does not mean what it seems to.

**What.** A Sidecar in the root namespace with a workload selector; an `outboundTrafficPolicy` without a mode.

**Why it matters.** The mesh's default scope must have no selector: with one, the Sidecar is for workloads of the root
namespace alone. A policy without a mode means REGISTRY_ONLY: calls to unknown hosts are refused.

**Evidence.** The place.

**Fix.** Remove the selector; write the mode out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mapping
from analyzers.mesh.sidecars import has_selector, selector_labels
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NOT_GLOBAL: Final = kiali_code(
    "KIA1006", "Default Sidecar with a selector", "warning", "A Sidecar of the root namespace is not the default."
)
NO_MODE: Final = kiali_code("KIA1007", "Outbound policy without a mode", "info", "No mode means REGISTRY_ONLY.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every Sidecar. One that selects workloads of the root namespace is taken to be meant so."""
    del rules
    for item in mesh.of_kind("Sidecar"):
        if _is_mistaken_default(mesh, item):
            message = "the selector keeps it from being the mesh's default: it is for the root namespace alone"
            yield finding(NOT_GLOBAL, item, message, path="spec/workloadSelector")
        policy = item.spec.get("outboundTrafficPolicy")
        if policy is not None and not mapping(policy).get("mode"):
            yield finding(NO_MODE, item, "no mode means REGISTRY_ONLY", path="spec/outboundTrafficPolicy/mode")


def _is_mistaken_default(mesh: Mesh, item: MeshObject) -> bool:
    if item.namespace != mesh.settings(item.cluster).root_namespace or not has_selector(item):
        return False
    labels = selector_labels(item)
    return not labels or not workloads_of(mesh, item.cluster).selected(item.namespace, labels)


ANALYZER: Final = configuration_analyzer(
    "sidecar_defaults", kinds=("Sidecar",), codes=(NOT_GLOBAL, NO_MODE), check=check, documentation=__doc__ or ""
)
