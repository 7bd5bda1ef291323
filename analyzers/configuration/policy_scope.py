"""Which workloads a policy with a selector is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.mesh.policy import has_targets, selector_of
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.mesh.workloads import Workload


def workloads_under(mesh: Mesh, item: MeshObject) -> tuple[Workload, ...]:
    """The workloads that a policy (security, Telemetry, WasmPlugin) selects: in the root namespace those of the mesh.

    A policy that is attached to objects (`targetRefs`) selects none.
    """
    if has_targets(item):
        return ()
    root = mesh.settings(item.cluster).root_namespace
    namespace = None if item.namespace == root else item.namespace
    return workloads_of(mesh, item.cluster).selected(namespace, selector_of(item))
