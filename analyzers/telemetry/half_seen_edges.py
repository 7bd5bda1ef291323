"""Edges that one side's proxy does not log.

**What.** Calls that succeeded between two workloads with a proxy each, where over one in twenty has a line of one side
only. Calls that failed on their way are left out: the callee could not log them.

**Why it matters.** Every other check counts on these lines. A missing side means a Telemetry that filters or disables
access logging, a collector that loses lines, a pod whose log was not ingested, or traffic past a proxy.

**Evidence.** Calls seen by both, by the caller alone and by the callee alone.

**Fix.** Ingest the missing pods' logs (`meshlens doctor`, the Data page), or look for a Telemetry with a filter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.telemetry.report import CALLS, each, edge_finding, share, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

HALF: Final = Code(
    "ML0633", "An edge is logged by one side only", "info", "Over one in twenty successful calls lacks a side's line."
)


def _finding(row: Row) -> Finding:
    missing = row["by_caller_alone"] + row["by_callee_alone"]
    message = (
        f"{missing} of {row['calls']} successful calls to {row['callee']} ({share(missing, row['calls'])}) lack the "
        f"line of one side, mostly the {row['silent_side']}'s."
    )
    evidence = ("calls", "by_both", "by_caller_alone", "by_callee_alone")
    return edge_finding("half_seen_edges", HALF, row, message, evidence=evidence, side="configuration")


ANALYZER: Final = telemetry_analyzer(
    "half_seen_edges",
    codes=(HALF,),
    findings=each(_finding),
    documentation=__doc__ or "",
    inputs=(CALLS, Input(("mesh_objects",), kinds=("Pod",), reason="Whether a pod has a proxy only the Pod says.")),
)
