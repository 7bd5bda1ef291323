"""CRDs of the Gateway API that are too old for Istio to read.

**What.** A CRD of the Gateway API whose bundle version is below the one that istiod needs for that kind.

**Why it matters.** istiod ignores the kind altogether: its objects are accepted by the API server and do nothing.

**Evidence.** The CRD, its version and the version needed.

**Fix.** Install newer CRDs of the Gateway API.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

TOO_OLD: Final = istio_code(
    176, "Gateway API too old", "warning", "A CRD of the Gateway API is older than what istiod reads."
)
_VERSION_ANNOTATION: Final = "gateway.networking.k8s.io/bundle-version"
#: A semantic version, more or less of it given, and what may follow it.
_VERSION: Final = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")

#: CRD -> the oldest bundle that istiod reads (istio/istio `pkg/config/schema/gatewayapi/minimumversions.go`).
MINIMUM: Final = {
    "grpcroutes.gateway.networking.k8s.io": (1, 1, 0),
    "backendtlspolicies.gateway.networking.k8s.io": (1, 4, 0),
    "tlsroutes.gateway.networking.k8s.io": (1, 5, 0),
}


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every CRD that a minimum is known for; pre-releases count as their release."""
    del rules
    for item in mesh.of_kind("CustomResourceDefinition"):
        needed = MINIMUM.get(item.name)
        found = _VERSION.fullmatch(item.annotations.get(_VERSION_ANNOTATION, ""))
        if needed is None or found is None:
            continue
        if tuple(int(part or 0) for part in found.groups()) < needed:
            wanted = ".".join(map(str, needed))
            message = f"is of bundle {found[0]}; istiod reads this kind from {wanted} on"
            yield finding(TOO_OLD, item, message, path=f"metadata/annotations/{_VERSION_ANNOTATION}")


ANALYZER: Final = configuration_analyzer(
    "outdated_gateway_api",
    kinds=("CustomResourceDefinition",),
    codes=(TOO_OLD,),
    check=check,
    documentation=__doc__ or "",
)
