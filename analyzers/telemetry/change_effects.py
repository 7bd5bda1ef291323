"""What got worse with a change of configuration.

**What.** Calls to the hosts of a VirtualService or DestinationRule in the five minutes before and after it changed:
failures that rose beyond chance (one-sided exact test; Benjamini and Hochberg's procedure over all changes at 1 %) and
by one percentage point at least.

**Why it matters.** The last change is the first suspect. Most are innocent, and this says which are not.

**Evidence.** Calls and failures before and after, medians of the latency. Other things may have changed at that moment:
the finding says what coincided, the failing calls say what happened.

**Fix.** `meshlens sql -c "select * from object_versions where name = '...'"` has both versions; go back to the earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.framework.comparisons import excess_probabilities, unlikely
from analyzers.telemetry.report import CALLS, edge_finding, share, telemetry_analyzer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

WORSE: Final = Code(
    "ML0636", "Failures rose with a change", "warning", "More calls fail after the change than before, beyond chance."
)

_POINT: Final = 0.01


def _findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    probabilities = excess_probabilities(
        [row["failures_after"] for row in rows],
        [row["calls_after"] for row in rows],
        [row["failures_before"] + row["failures_after"] for row in rows],
        [row["calls_before"] + row["calls_after"] for row in rows],
    )
    for row, is_unlikely in zip(rows, unlikely(probabilities), strict=True):
        before, after = row["failures_before"] / row["calls_before"], row["failures_after"] / row["calls_after"]
        if is_unlikely and after - before >= _POINT:
            yield _finding(row)


def _finding(row: Row) -> Finding:
    message = (
        f"after its change at {row['changed_at']:%H:%M:%S} {share(row['failures_after'], row['calls_after'])} of the "
        f"calls to {row['callee']} failed, {share(row['failures_before'], row['calls_before'])} before."
    )
    return edge_finding(
        "change_effects",
        WORSE,
        row,
        message,
        evidence=(
            "changed_at",
            "calls_before",
            "failures_before",
            "calls_after",
            "failures_after",
            "median_ms_before",
            "median_ms_after",
            "callers",
        ),
        subject=f"{row['kind']} {row['namespace']}/{row['name']}",
        side="configuration",
        at=f"{row['kind']}/{row['namespace']}/{row['name']}",
        identity=(row["callee"], row["changed_at"].isoformat()),
    )


ANALYZER: Final = telemetry_analyzer(
    "change_effects",
    codes=(WORSE,),
    findings=_findings,
    documentation=__doc__ or "",
    inputs=(
        CALLS,
        Input(
            ("mesh_objects",), kinds=("VirtualService", "DestinationRule"), reason="Changes are versions of objects."
        ),
    ),
)
