"""Workloads that no AuthorizationPolicy covers.

**What.** In a mesh that uses AuthorizationPolicies, workloads of the mesh that none selects. One finding a namespace.

**Why it matters.** Whoever reaches such a workload may call it.

**Evidence.** The workloads. A mesh without any AuthorizationPolicy has chosen so: nothing is reported.

**Fix.** A policy for the namespace that allows nothing, and policies that allow what is meant.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.policy import authorization_policies_of
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.workloads import Workload

UNCOVERED: Final = kiali_code("KIA1301", "Workload without a policy", "info", "No AuthorizationPolicy covers it.")

_NAMED: Final = 20


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every namespace with workloads that no policy covers."""
    del rules
    for cluster in mesh.clusters:
        policies = authorization_policies_of(mesh, cluster)
        if not policies.by_namespace:
            continue
        bare: defaultdict[str, list[Workload]] = defaultdict(list)
        for workload in workloads_of(mesh, cluster).all:
            is_server = workload.data_plane in {"sidecar", "ambient"}
            if is_server and workload.namespace != policies.root and not policies.of(workload):
                bare[workload.namespace].append(workload)
        for namespace, found in sorted(bare.items()):
            names = sorted({workload.name for workload in found})
            subject = mesh.get("Namespace", "", namespace, cluster=cluster) or found[0].item
            message = f"no AuthorizationPolicy covers {len(names)} workloads of namespace {namespace}"
            evidence = {"workloads": names[:_NAMED], "count": len(names)}
            yield finding(UNCOVERED, subject, message, identity=(namespace,), evidence=evidence)


ANALYZER: Final = configuration_analyzer(
    "workload_without_policy",
    kinds=("AuthorizationPolicy",),
    codes=(UNCOVERED,),
    check=check,
    documentation=__doc__ or "",
)
