"""Annotations of features that Istio calls alpha.

**What.** Annotations whose feature status is alpha, on Namespaces, Services, Pods and Deployments. Those that the CNI
plugin sets by itself (pods without an `istio-init` container) and the injector's own status are left out.

**Why it matters.** Alpha features change or go without notice.

**Evidence.** The key and the object.

**Fix.** Nothing, or pin the Istio version and read its release notes before upgrades. Istio leaves this out of its
default checks, and so does Meshlens: it runs where it is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.annotations import ANNOTATIONS, is_istio
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

KINDS: Final = ("Namespace", "Service", "Pod", "Deployment")
ALPHA: Final = istio_code(136, "Alpha annotation", "info", "An annotation that belongs to an alpha feature.")

_INJECTED: Final = "sidecar.istio.io/status"
_BY_CNI: Final = frozenset(
    {
        "sidecar.istio.io/interceptionMode",
        "traffic.sidecar.istio.io/includeInboundPorts",
        "traffic.sidecar.istio.io/excludeInboundPorts",
        "traffic.sidecar.istio.io/includeOutboundIPRanges",
    }
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every alpha annotation."""
    del rules
    for kind in KINDS:
        for item in mesh.of_kind(kind):
            left_out = {_INJECTED, *(_BY_CNI if _is_cni(item) else ())}
            for key in sorted(item.annotations):
                known = ANNOTATIONS.get(key)
                if is_istio(key) and known is not None and known.status == "alpha" and key not in left_out:
                    message = f"{key} belongs to an alpha feature"
                    yield finding(ALPHA, item, message, path=f"metadata/annotations/{key}")


def _is_cni(item: MeshObject) -> bool:
    names = {text(container.get("name")) for _, container in mappings(item.spec.get("initContainers"))}
    return item.kind == "Pod" and "istio-init" not in names


ANALYZER: Final = configuration_analyzer(
    "alpha_annotation", kinds=KINDS, codes=(ALPHA,), check=check, documentation=__doc__ or "", on_request=True
)
