"""Labels that ask for a waypoint that is not there, or where none can serve.

**What.** `istio.io/use-waypoint` on a workload, Service, ServiceEntry or Namespace naming a Gateway that does not
exist or is no waypoint; the label on a workload or Namespace outside ambient mode.

**Why it matters.** Without its waypoint HTTP policies and routes do nothing, and a policy for HTTP refuses calls.
Outside ambient mode the label does nothing.

**Evidence.** The Gateway that is missing, or its class.

**Fix.** `istioctl waypoint apply -n NAMESPACE --name NAME`, or the right name (`istio.io/use-waypoint-namespace` for
one of another namespace).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.waypoints import USE_WAYPOINT, is_ambient_namespace, stated_waypoint
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

OUTSIDE: Final = kiali_code("KIA1312", "Waypoint outside ambient mode", "warning", "The label does nothing there.")
MISSING: Final = kiali_code("KIA1313", "Waypoint not found", "error", "No waypoint has the name.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every object with the label; workloads once for all their pods."""
    del rules
    for cluster in mesh.clusters:
        for workload in workloads_of(mesh, cluster).all:
            if USE_WAYPOINT in workload.labels:
                in_pod = workload.item.kind == "Pod"
                path = f"{'' if in_pod else 'spec/template/'}metadata/labels/{USE_WAYPOINT}"
                is_outside = workload.data_plane in {"none", "sidecar"}
                yield from _judge(mesh, workload.item, workload.labels, path, is_outside=is_outside)
        for kind in ("Service", "ServiceEntry"):
            for item in mesh.of_kind(kind, cluster=cluster):
                yield from _judge(mesh, item, item.labels, f"metadata/labels/{USE_WAYPOINT}")
        for item in mesh.of_kind("Namespace", cluster=cluster):
            is_outside = not is_ambient_namespace(mesh, item.name, cluster)
            path = f"metadata/labels/{USE_WAYPOINT}"
            yield from _judge(mesh, item, item.labels, path, is_outside=is_outside and not _has_ambient(mesh, item))


def _judge(
    mesh: Mesh, item: MeshObject, labels: Mapping[str, str], path: str, *, is_outside: bool = False
) -> Iterator[Finding]:
    used = stated_waypoint(mesh, labels, item.namespace or item.name, item.cluster)
    if used is None:
        return
    if used.item is None:
        found = mesh.get("KubernetesGateway", used.namespace, used.name, cluster=item.cluster)
        state = "does not exist" if found is None else "is of another class than istio-waypoint"
        yield finding(MISSING, item, f"waypoint {used.namespace}/{used.name} {state}", path=path)
    elif is_outside:
        yield finding(OUTSIDE, item, "the label for a waypoint does nothing outside ambient mode", path=path)


def _has_ambient(mesh: Mesh, namespace: MeshObject) -> bool:
    near = workloads_of(mesh, namespace.cluster).by_namespace.get(namespace.name, ())
    return any(one.data_plane == "ambient" for one in near)


ANALYZER: Final = configuration_analyzer(
    "missing_waypoint",
    kinds=("Namespace", "Service", "Pod", "ServiceEntry"),
    codes=(OUTSIDE, MISSING),
    check=check,
    documentation=__doc__ or "",
)
