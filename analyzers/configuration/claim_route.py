"""Routing on claims of a token that nothing validates.

**What.** A VirtualService of a gateway matches `@request.auth.claims`, and no RequestAuthentication applies to a pod
of that gateway.

**Why it matters.** Claims exist for validated tokens only: the route never matches, or `withoutHeaders` always does.

**Evidence.** The header, the Gateway and the pod.

**Fix.** A RequestAuthentication in the gateway's namespace (or the root namespace) that selects its pods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code, qualified_name
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, mapping, mappings, strings, texts
from analyzers.mesh.selectors import LabelIndex, carries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

UNVALIDATED: Final = istio_code(
    149, "Claim routing without validation", "error", "A route matches on claims, and no token is validated there."
)
_CLAIM: Final = "@request.auth.claims"


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every VirtualService that matches on claims, for every pod of its gateways."""
    for cluster in mesh.clusters:
        pods = LabelIndex(mesh.of_kind("Pod", cluster=cluster), lambda pod: pod.labels)
        root = "istio-system" if rules.istio else mesh.settings(cluster).root_namespace
        for item in mesh.of_kind("VirtualService", cluster=cluster):
            found = _claim(item)
            if found is None:
                continue
            path, key = found
            for name in texts(item.spec.get("gateways")):
                namespace, short = qualified_name(item.namespace, name)
                gateway = mesh.get("Gateway", namespace, short, cluster=cluster)
                for pod in pods.carrying(strings(gateway.spec.get("selector"))) if gateway is not None else ():
                    if not _is_validated(mesh, pod, root):
                        message = f"{key}: no RequestAuthentication applies to pod {pod.name} of Gateway {name}"
                        yield finding(UNVALIDATED, item, message, path=path, identity=(name, pod.name))


def _claim(item: MeshObject) -> tuple[str, str] | None:
    for number, route in mappings(item.spec.get("http")):
        for position, match in mappings(route.get("match")):
            for part in ("headers", "withoutHeaders"):
                for key in sorted(mapping(match.get(part))):
                    if key.startswith(_CLAIM):
                        return f"spec/http[{number}]/match[{position}]/{part}", key
    return None


def _is_validated(mesh: Mesh, pod: MeshObject, root: str) -> bool:
    near = {root, pod.namespace}
    return any(
        carries(pod.labels, strings(at(rule.spec, "selector", "matchLabels")))
        for namespace in near
        for rule in mesh.in_namespace("RequestAuthentication", namespace, cluster=pod.cluster)
    )


ANALYZER: Final = configuration_analyzer(
    "claim_route",
    kinds=("VirtualService",),
    codes=(UNVALIDATED,),
    check=check,
    documentation=__doc__ or "",
)
