"""Objects whose selector picks no workload.

**What.** A PeerAuthentication, RequestAuthentication, WasmPlugin, EnvoyFilter or DestinationRule with labels that no
pod, pod template or WorkloadEntry in its reach carries. (AuthorizationPolicies, Sidecars and Telemetry have checks of
their own.)

**Why it matters.** The object does nothing, silently.

**Evidence.** The labels and the namespace; where labels nearly fit, the workload that has most of them. A namespace of
which no workload is known is not judged.

**Fix.** Labels that the pods have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import selector_text
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, strings
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NOTHING: Final = kiali_code("KIA0004", "Selector picks no workload", "warning", "No workload carries the labels.")

#: Kind -> where its labels are, and whether it reaches the whole mesh from the root namespace.
_SELECTORS: Final[dict[str, tuple[tuple[str, ...], bool]]] = {
    "DestinationRule": (("workloadSelector", "matchLabels"), False),
    "EnvoyFilter": (("workloadSelector", "labels"), True),
    "PeerAuthentication": (("selector", "matchLabels"), False),
    "RequestAuthentication": (("selector", "matchLabels"), True),
    "WasmPlugin": (("selector", "matchLabels"), True),
}


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every selector of these kinds."""
    del rules
    for kind, (place, reaches_all) in _SELECTORS.items():
        for item in mesh.of_kind(kind):
            labels = strings(at(item.spec, *place))
            if labels:
                yield from _judge(mesh, item, labels, "/".join(("spec", *place)), reaches_all=reaches_all)


def _judge(
    mesh: Mesh, item: MeshObject, labels: Mapping[str, str], path: str, *, reaches_all: bool
) -> Iterator[Finding]:
    known = workloads_of(mesh, item.cluster)
    is_root = item.namespace == mesh.settings(item.cluster).root_namespace
    namespace = None if is_root and reaches_all else item.namespace
    near = known.all if namespace is None else known.by_namespace.get(namespace, ())
    if near and not known.selected(namespace, labels):
        scope = "the mesh" if namespace is None else f"namespace {namespace}"
        best = max(near, key=lambda one: len(labels.items() & one.labels.items()))
        shared = labels.items() & best.labels.items()
        hint = f"; {best.namespace}/{best.name} has {selector_text(dict(shared))}" if shared else ""
        yield finding(NOTHING, item, f"no workload of {scope} has {selector_text(labels)}{hint}", path=path)


ANALYZER: Final = configuration_analyzer(
    "selector_without_workload",
    kinds=tuple(_SELECTORS),
    codes=(NOTHING,),
    check=check,
    documentation=__doc__ or "",
)
