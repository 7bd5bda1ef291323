"""Workloads without a proxy that carry the mesh's traffic.

**What.** Pods without a sidecar (and not in ambient mode) that callers in the mesh reach, or that call into it.

**Why it matters.** Their traffic is plain text, no policy holds for it and half of its telemetry is missing; STRICT
mutual TLS would cut it off. Most are meant so. The ones that are not are found by their traffic.

**Evidence.** Calls to and from the workload, and its peers.

**Fix.** Where it should be in the mesh: label its namespace or pod for injection and restart it. Otherwise say so in
the namespace (`istio-injection: disabled`) and leave its callers a DestinationRule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.telemetry.report import CALLS, each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

OUTSIDE: Final = Code(
    "ML0629",
    "A workload without a proxy carries traffic of the mesh",
    "info",
    "Its traffic is plain text and no policy holds for it.",
    ("IST0103", "KIA0006"),
)


def _finding(row: Row) -> Finding:
    message = (
        f"{row['workload']} has no proxy and takes part in the mesh: {row['calls_to']} calls to it and "
        f"{row['calls_from']} from it, with {', '.join(row['peers'][:4])}{', ...' * (len(row['peers']) > 4)}."
    )
    return edge_finding(
        "uninjected_traffic",
        OUTSIDE,
        row,
        message,
        evidence=("calls_to", "calls_from", "peers", "pods"),
        subject=f"{row['workload_kind']} {row['namespace']}/{row['workload']}",
        side="configuration",
        at=f"{row['workload_kind']}/{row['namespace']}/{row['workload']}",
    )


ANALYZER: Final = telemetry_analyzer(
    "uninjected_traffic",
    codes=(OUTSIDE,),
    findings=each(_finding),
    documentation=__doc__ or "",
    inputs=(CALLS, Input(("mesh_objects",), kinds=("Pod",), reason="Whether a pod has a proxy only the Pod says.")),
)
