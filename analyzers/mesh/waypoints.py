"""Waypoints: which proxy handles HTTP for a service or a workload in ambient mode.

Source: istio/istio `pilot/pkg/serviceregistry/kube/controller/ambient/waypoints.go` and
https://istio.io/latest/docs/ambient/usage/waypoint/: the label `istio.io/use-waypoint` of the object, else of its
namespace; `none` opts out; `istio.io/use-waypoint-namespace` names the waypoint's namespace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.mesh.objects import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

USE_WAYPOINT: Final = "istio.io/use-waypoint"
USE_WAYPOINT_NAMESPACE: Final = "istio.io/use-waypoint-namespace"
WAYPOINT_FOR: Final = "istio.io/waypoint-for"
WAYPOINT_CLASSES: Final = frozenset({"istio-waypoint", "istio-east-west"})
_OUT: Final = frozenset({"", "none"})


@dataclass(frozen=True, slots=True)
class WaypointUse:
    """The waypoint that labels ask for. `item` is its Gateway, null where there is none of that name and class."""

    namespace: str
    name: str
    item: MeshObject | None

    @property
    def serves(self) -> frozenset[str]:
        """What the waypoint handles: `service` (the default), `workload`, both, or nothing."""
        stated = self.item.labels.get(WAYPOINT_FOR, "service") if self.item is not None else "none"
        return frozenset({"service", "workload"}) if stated == "all" else frozenset({stated} - {"none"})


def stated_waypoint(mesh: Mesh, labels: Mapping[str, str], namespace: str, cluster: str = "") -> WaypointUse | None:
    """The waypoint that these labels alone ask for; null where they ask for none."""
    name = labels.get(USE_WAYPOINT, "")
    if name in _OUT:
        return None
    where = labels.get(USE_WAYPOINT_NAMESPACE) or namespace
    item = mesh.get("KubernetesGateway", where, name, cluster=cluster)
    is_waypoint = item is not None and text(item.spec.get("gatewayClassName")) in WAYPOINT_CLASSES
    return WaypointUse(where, name, item if is_waypoint else None)


def waypoint_of(mesh: Mesh, labels: Mapping[str, str], namespace: str, cluster: str = "") -> WaypointUse | None:
    """The waypoint of a Service, ServiceEntry or pod with these labels: its own, else its namespace's."""
    if USE_WAYPOINT in labels:
        return stated_waypoint(mesh, labels, namespace, cluster)
    around = mesh.get("Namespace", "", namespace, cluster=cluster)
    return None if around is None else stated_waypoint(mesh, around.labels, namespace, cluster)


def is_ambient_namespace(mesh: Mesh, namespace: str, cluster: str = "") -> bool:
    """Whether a namespace's label puts its pods into ambient mode."""
    found = mesh.get("Namespace", "", namespace, cluster=cluster)
    return found is not None and found.labels.get("istio.io/dataplane-mode") == "ambient"
