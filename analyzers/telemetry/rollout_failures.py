"""Failures come with every rollout.

**What.** At least four in five of a host's lost and failed connections (UC, UF, UH) fell between five seconds before
and thirty seconds after a start or an end of one of its pods, over two or more such events.

**Why it matters.** Each deployment costs requests. Kubernetes takes a pod out of the endpoints and stops it at the same
time; proxies learn of it a moment later and still send to it.

**Evidence.** Failures near ends, near starts and elsewhere; the number of events; flags and callers.

**Fix.** Near ends: a `preStop` that waits for some seconds, `terminationDrainDuration`, a grace period longer than
both. Near starts: a readiness probe that means it, and `holdApplicationUntilProxyStarts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.telemetry.report import CALLS, each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

UNGRACEFUL: Final = Code(
    "ML0617", "Failures come with the starts and ends of pods", "warning", "Rollouts of the callee cost requests."
)


def _finding(row: Row) -> Finding:
    side = "ends" if row["near_stops"] >= row["near_starts"] else "starts"
    message = (
        f"{row['near']} of {row['failures']} lost or failed connections to {row['callee']} came with {row['events']} "
        f"starts and ends of its pods, mostly with {side}."
    )
    return edge_finding(
        "rollout_failures",
        UNGRACEFUL,
        row,
        message,
        evidence=("failures", "near", "near_stops", "near_starts", "events", "flags", "callers", "workload"),
        side="callee_application",
    )


ANALYZER: Final = telemetry_analyzer(
    "rollout_failures",
    codes=(UNGRACEFUL,),
    findings=each(_finding),
    documentation=__doc__ or "",
    inputs=(CALLS, Input(("mesh_objects",), kinds=("Pod",), reason="Starts and ends of pods are watch events.")),
)
