"""PeerAuthentications of which only the oldest counts.

**What.** Several in one namespace without a selector; several whose selectors pick one workload.

**Why it matters.** The oldest one decides alone. The others do nothing, and which one is oldest changes when one is
created anew.

**Evidence.** The others, and which one is in force. RequestAuthentications are added up by Istio: they do not conflict.

**Fix.** One PeerAuthentication for a namespace, and one for a workload.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.mtls import selector_labels
from analyzers.mesh.services import age_order
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NAMESPACE: Final = kiali_code(
    "KIA0002",
    "Several PeerAuthentications for a namespace",
    "error",
    "More than one PeerAuthentication has no selector.",
)
WORKLOAD: Final = kiali_code(
    "KIA0003", "Several PeerAuthentications for a workload", "error", "More than one PeerAuthentication selects it."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every PeerAuthentication that shares its namespace or a workload with another."""
    del rules
    for cluster in mesh.clusters:
        grouped: defaultdict[str, list[MeshObject]] = defaultdict(list)
        for item in sorted(mesh.of_kind("PeerAuthentication", cluster=cluster), key=age_order):
            grouped[item.namespace].append(item)
        for items in grouped.values():
            general = [item for item in items if not selector_labels(item)]
            if len(general) > 1:
                for item in general:
                    yield _conflict(item, general, f"namespace {item.namespace}")
            yield from _shared(mesh, [item for item in items if selector_labels(item)], cluster)


def _shared(mesh: Mesh, items: list[MeshObject], cluster: str) -> Iterator[Finding]:
    at_workload: defaultdict[str, list[MeshObject]] = defaultdict(list)
    for item in items if len(items) > 1 else ():
        for workload in workloads_of(mesh, cluster).selected(item.namespace, selector_labels(item)):
            at_workload[workload.name].append(item)
    reported: set[str] = set()
    for name, near in sorted(at_workload.items()):
        for item in near if len(near) > 1 else ():
            if item.name not in reported:
                reported.add(item.name)
                yield _conflict(item, near, f"workload {item.namespace}/{name}")


def _conflict(item: MeshObject, near: list[MeshObject], subject: str) -> Finding:
    others = [full_name(other) for other in near if other is not item]
    is_in_force = near[0] is item
    state = "is the oldest and decides" if is_in_force else f"does nothing: {full_name(near[0])} is older"
    code = WORKLOAD if selector_labels(item) else NAMESPACE
    message = f"for {subject} there is {', '.join(others)}, too; this one {state}"
    return finding(code, item, message, path="spec/selector", evidence={"others": others, "in_force": is_in_force})


ANALYZER: Final = configuration_analyzer(
    "conflicting_peer_authentication",
    kinds=("PeerAuthentication",),
    codes=(NAMESPACE, WORKLOAD),
    check=check,
    documentation=__doc__ or "",
)
