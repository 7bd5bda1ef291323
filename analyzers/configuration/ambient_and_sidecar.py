"""Workloads that are told to be both in ambient mode and with a sidecar.

**What.** A workload that asks for ambient mode by its own label while injection is asked for, too; redirection to the
ztunnel or the ambient label on pods that have a sidecar; pods with a sidecar in an ambient namespace.

**Why it matters.** Which of the two handles a pod's traffic depends on which came first. A pod with a sidecar stays
out of ambient mode: what is meant for ambient clients (waypoints) does not hold for its calls.

**Evidence.** The labels. A sidecar in an ambient namespace works and is a step of a migration: a warning. Gateways are
not reported.

**Fix.** One of the two: `istio.io/dataplane-mode: none` or `sidecar.istio.io/inject: "false"` on the pod template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, mapping, strings
from analyzers.mesh.waypoints import is_ambient_namespace
from analyzers.mesh.workloads import DATAPLANE_MODE, REDIRECTION, Workload, is_injected, workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

BOTH_ASKED: Final = kiali_code(
    "KIA1311", "Ambient mode and sidecar asked for", "error", "Labels ask for both ambient mode and a sidecar."
)
REDIRECTED: Final = kiali_code(
    "KIA1314", "Sidecar asked for and redirected", "error", "Injection is asked for, and the ztunnel has the traffic."
)
LABELLED: Final = kiali_code(
    "KIA1315", "Sidecar with the ambient label", "error", "A pod with a sidecar has the ambient label."
)
IN_AMBIENT: Final = kiali_code(
    "KIA1316", "Sidecar in an ambient namespace", "warning", "A pod with a sidecar stays out of ambient mode."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every workload but gateways, one finding each: the worst that holds."""
    del rules
    for cluster in mesh.clusters:
        for workload in workloads_of(mesh, cluster).all:
            if workload.data_plane not in {"gateway", "waypoint"} and workload.item.kind != "WorkloadEntry":
                yield from _judge(mesh, workload)


def _judge(mesh: Mesh, workload: Workload) -> Iterator[Finding]:
    namespace = mesh.get("Namespace", "", workload.namespace, cluster=workload.cluster)
    around = namespace.labels if namespace is not None else {}
    annotations = _annotations(workload)
    own = workload.labels.get(DATAPLANE_MODE)
    is_asked = is_injected(workload.namespace, workload.labels, annotations, around)
    name = f"{workload.namespace}/{workload.name}"
    path = "metadata/labels" if workload.item.kind == "Pod" else "spec/template/metadata/labels"
    if workload.data_plane == "sidecar" and own == "ambient":
        yield finding(LABELLED, workload.item, f"{name} has a sidecar and the label of ambient mode", path=path)
    elif is_asked and annotations.get(REDIRECTION) == "enabled":
        message = f"{name} is to get a sidecar, and its traffic goes to the ztunnel"
        yield finding(REDIRECTED, workload.item, message, path=path)
    elif is_asked and own == "ambient":
        yield finding(BOTH_ASKED, workload.item, f"{name} is to get a sidecar and to be in ambient mode", path=path)
    elif (
        workload.data_plane == "sidecar"
        and own is None
        and is_ambient_namespace(mesh, workload.namespace, workload.cluster)
    ):
        message = f"{name} has a sidecar: it stays out of its namespace's ambient mode"
        yield finding(IN_AMBIENT, workload.item, message, path=path)


def _annotations(workload: Workload) -> Mapping[str, str]:
    template = mapping(at(workload.item.spec, "template", "metadata"))
    return strings(template.get("annotations")) if template else workload.item.annotations


ANALYZER: Final = configuration_analyzer(
    "ambient_and_sidecar",
    kinds=("Pod", "Deployment", "StatefulSet", "DaemonSet"),
    codes=(BOTH_ASKED, REDIRECTED, LABELLED, IN_AMBIENT),
    check=check,
    documentation=__doc__ or "",
)
