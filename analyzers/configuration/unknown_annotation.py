"""Istio annotations that no component reads, that sit on the wrong kind of object, or hold a wrong value.

**What.** Annotations whose prefix ends in `istio.io` (and `kubernetes.io/ingress.class`) on Namespaces, Services,
Pods and Deployments, against the list of annotations that Istio documents: unknown, deprecated, misplaced, or
invalid.

**Why it matters.** Nothing refuses such an annotation: what it was to change silently stays as it was.

**Evidence.** The key, the value, and the kinds of object that the key belongs on.

**Fix.** Correct the key, or move the annotation: those for pods belong on the pod template of a Deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.annotation_values import problem
from analyzers.configuration.annotations import ANNOTATIONS, is_istio
from analyzers.configuration.common import INJECT_KEY, istio_code
from analyzers.configuration.report import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

KINDS: Final = ("Namespace", "Service", "Pod", "Deployment")

MISPLACED: Final = istio_code(
    107, "Misplaced annotation", "warning", "An annotation that this kind of object does not take."
)
UNKNOWN: Final = istio_code(108, "Unknown annotation", "warning", "An annotation of Istio's that nothing reads.")
INVALID: Final = istio_code(125, "Invalid annotation", "warning", "An annotation whose value is of the wrong form.")
DEPRECATED: Final = istio_code(135, "Deprecated annotation", "info", "An annotation that is on its way out.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every annotation of every object of the kinds that take one."""
    del rules
    for kind in KINDS:
        for item in mesh.of_kind(kind):
            for key in sorted(item.annotations):
                if is_istio(key):
                    yield from _annotation(item, key)


def _annotation(item: MeshObject, key: str) -> Iterator[Finding]:
    path = f"metadata/annotations/{key}"
    known = ANNOTATIONS.get(key)
    if known is None:
        yield finding(UNKNOWN, item, f"{key} is no annotation that Istio knows", path=path)
        return
    if known.deprecated and not (key == INJECT_KEY and INJECT_KEY in item.labels):
        instead = "; use the label of that name" if key == INJECT_KEY else ""
        yield finding(DEPRECATED, item, f"{key} is deprecated{instead}", path=path)
    if "Any" in known.kinds:
        return
    if item.kind not in known.kinds:
        named = ", ".join(known.kinds)
        yield finding(MISPLACED, item, f"{key} has no effect on a {item.kind}; it is for {named}", path=path)
        return
    wrong = problem(key, item.annotations[key])
    if wrong is not None:
        yield finding(INVALID, item, f"{key}: {wrong}", path=path)


ANALYZER: Final = configuration_analyzer(
    "unknown_annotation",
    kinds=KINDS,
    codes=(MISPLACED, UNKNOWN, INVALID, DEPRECATED),
    check=check,
    documentation=__doc__ or "",
)
