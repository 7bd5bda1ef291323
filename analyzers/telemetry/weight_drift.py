"""Calls are not split as a VirtualService says.

**What.** The calls to the weighted destinations of a VirtualService with one HTTP route are compared with its weights
(chi-square test; Benjamini and Hochberg's procedure over all at 1 %), and named where a destination's share is five
points or more beside its weight.

**Why it matters.** A canary that gets more than its part is a rollout that nobody decided; one that gets nothing proves
nothing. Usual causes: retries that leave a failing destination, sessions that stick (`consistentHash`), callers without
a proxy or out of the route's sight, a destination without endpoints.

**Evidence.** Weight and calls of each destination while this version was in force.

**Fix.** Look at the failing destination first. Where callers lack the route: `meshlens diagnose` and their Sidecars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analyzers.framework.analyzer import Code, Input
from analyzers.framework.comparisons import spread_probability, unlikely
from analyzers.telemetry.report import CALLS, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

DRIFT: Final = Code(
    "ML0621", "Calls are not split by the weights", "warning", "A destination's share is five points beside its weight."
)

_POINTS: Final = 0.05


def _findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    judged = [_judge(row) for row in rows]
    probabilities = unlikely([probability for probability, _ in judged])
    for row, (_, deviation), is_unlikely in zip(rows, judged, probabilities, strict=True):
        if is_unlikely and deviation >= _POINTS:
            yield _finding(row)


def _judge(row: Row) -> tuple[float, float]:
    """The probability of the split under the weights, and the largest difference of a share from its weight."""
    calls = np.array([part["calls"] for part in row["destinations"]], dtype=np.float64)
    weights = np.array([part["weight"] for part in row["destinations"]], dtype=np.float64)
    expected = weights / weights.sum() * calls.sum()
    deviation = float(np.abs(calls - expected).max() / calls.sum())
    if calls[expected == 0].any():
        return 0.0, deviation
    return spread_probability(calls, expected), deviation


def _finding(row: Row) -> Finding:
    total = sum(part["weight"] for part in row["destinations"])
    split = ", ".join(
        f"{part['subset'] or part['host']} {100 * part['calls'] / row['calls']:.0f} % "
        f"(weight {100 * part['weight'] / total:.0f} %)"
        for part in row["destinations"]
    )
    return edge_finding(
        "weight_drift",
        DRIFT,
        row,
        f"splits {row['calls']} calls to {row['callee']} otherwise than its weights say: {split}.",
        evidence=("calls", "destinations", "valid_from"),
        subject=f"VirtualService {row['namespace']}/{row['name']}",
        side="unknown",
        at=f"VirtualService/{row['namespace']}/{row['name']}",
        path="spec/http[0]/route",
        identity=(row["valid_from"].isoformat(),),
    )


ANALYZER: Final = telemetry_analyzer(
    "weight_drift",
    codes=(DRIFT,),
    findings=_findings,
    documentation=__doc__ or "",
    inputs=(CALLS, Input(("mesh_objects",), kinds=("VirtualService",), reason="Weights are set by VirtualServices.")),
)
