"""Calls leave their zone although the callee is in it.

**What.** Edges of which more than half of the calls go to another zone while a pod of the callee runs in the caller's.

**Why it matters.** Traffic between zones is slower and is paid for, and it ties zones together that should fail alone.

**Evidence.** Calls and bytes by edge, the zones they crossed. Zones are the nodes' `topology.kubernetes.io/zone`.

**Fix.** Locality load balancing needs `outlierDetection` in the host's DestinationRule: without it Istio spreads calls
over all zones. `trafficDistribution: PreferClose` on the Service does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.telemetry.report import CALLS, each, edge_finding, share, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

CROSSING: Final = Code(
    "ML0620", "Calls leave their zone", "info", "The callee has a pod in the caller's zone, and calls go elsewhere."
)


def _finding(row: Row) -> Finding:
    message = (
        f"{row['crossing']} of {row['calls']} calls ({share(row['crossing'], row['calls'])}) to {row['callee']} leave "
        f"their zone although it has a pod there."
    )
    evidence = ("calls", "crossing", "crossing_bytes", "directions")
    return edge_finding("cross_zone_calls", CROSSING, row, message, evidence=evidence, side="configuration")


ANALYZER: Final = telemetry_analyzer(
    "cross_zone_calls",
    codes=(CROSSING,),
    findings=each(_finding),
    documentation=__doc__ or "",
    inputs=(CALLS, Input(("mesh_objects",), kinds=("Node",), reason="Zones are labels of Nodes.")),
)
