"""Sidecars that select no pod, the same pod as another, or workloads that have no sidecar.

**What.** A Sidecar's workloadSelector picks no pod of its namespace; two Sidecars pick one pod; a namespace has more
than one Sidecar without a selector; the workloads are in ambient mode.

**Why it matters.** Which of two scopes a proxy gets is undefined. Without a sidecar there is nothing to scope.

**Evidence.** The selector, the pods, the other Sidecars.

**Fix.** One Sidecar for each workload, one without a selector for a namespace.

Beyond Istio's check: pods that ended are left alone, and each pair of Sidecars is told once, not for every pod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import (
    is_ambient_namespace,
    is_captured,
    is_finished,
    istio_code,
    selector_text,
)
from analyzers.configuration.report import finding
from analyzers.configuration.workload_selectors import selections
from analyzers.framework.analyzer import Code
from analyzers.mesh.objects import at, strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analyzers.configuration.rules import Rules
    from analyzers.configuration.workload_selectors import Selections
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NO_POD: Final = Code(
    "ML1909", "Sidecar without a workload", "error", "A Sidecar's selector picks no pod.", ("IST0101", "KIA0004")
)
CONFLICT: Final = istio_code(
    110, "Conflicting Sidecars", "error", "Two Sidecars select one pod: which scope it gets is undefined.", "KIA0003"
)
SEVERAL: Final = istio_code(
    111, "Several Sidecars for a namespace", "error", "More than one Sidecar of a namespace has no selector.", "KIA0002"
)
AMBIENT: Final = istio_code(
    167, "Sidecar without effect", "warning", "The workloads are in ambient mode: they have no sidecar to scope."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every Sidecar of every namespace."""
    found = selections(mesh, "Sidecar", _labels, is_alive=lambda pod: rules.istio or not is_finished(pod))
    for item, wanted in found.unselected:
        yield finding(NO_POD, item, f"selector {selector_text(wanted)} picks no pod", path="spec/workloadSelector")
    ambient: set[str] = set()
    yield from _by_pod(found, rules, ambient)
    for (cluster, namespace), items in found.whole.items():
        known = mesh.get("Namespace", "", namespace, cluster=cluster)
        if is_ambient_namespace(None if known is None else known.labels):
            yield from _ambient(items, "the namespace is in ambient mode", ambient)
        elif len(items) > 1:
            names = ", ".join(item.name for item in items)
            for item in items:
                message = f"Sidecars {names} of namespace {namespace} have no selector"
                yield finding(SEVERAL, item, message, path="metadata/name")


def _labels(item: MeshObject) -> Mapping[str, str]:
    return strings(at(item.spec, "workloadSelector", "labels"))


def _by_pod(found: Selections, rules: Rules, ambient: set[str]) -> Iterator[Finding]:
    told: set[tuple[str, ...]] = set()
    for pod, items in found.by_pod:
        if is_captured(pod):
            yield from _ambient(items, "the selected workload is in ambient mode", ambient)
            continue
        together = tuple(item.name for item in items)
        key = (pod.cluster, pod.namespace, *together)
        if len(items) < 2 or (not rules.istio and key in told):
            continue
        told.add(key)
        for item in items:
            message = f"Sidecars {', '.join(together)} select pod {pod.name}"
            identity = (pod.name,) if rules.istio else together
            yield finding(CONFLICT, item, message, path="spec/workloadSelector", identity=identity)


def _ambient(items: Sequence[MeshObject], reason: str, told: set[str]) -> Iterator[Finding]:
    for item in items:
        if item.identity not in told:
            told.add(item.identity)
            yield finding(AMBIENT, item, f"has no effect: {reason}", path="spec")


ANALYZER: Final = configuration_analyzer(
    "sidecar_selector",
    kinds=("Sidecar",),
    codes=(NO_POD, CONFLICT, SEVERAL, AMBIENT),
    check=check,
    documentation=__doc__ or "",
)
