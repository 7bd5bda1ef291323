"""One caller uses up a rate limit that others share.

**What.** A host refused calls by rate limit (RL), and more than half of all calls came from one of several callers.

**Why it matters.** A limit without a descriptor for the caller protects the callee and punishes the innocent.

**Evidence.** Calls and refusals by caller.

**Fix.** Limit by caller: a descriptor of `x-envoy-downstream-service-cluster` or the peer's identity for a global rate
limit, or a local rate limit on the heavy caller's side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.telemetry.report import edge_finding, share, telemetry_analyzer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

UNFAIR: Final = Code(
    "ML0628", "One caller uses up a shared rate limit", "warning", "Others are refused for calls they did not make."
)


def _findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    for row in rows:
        others = sum(caller["refused"] for caller in row["callers"] if caller["caller"] != row["heaviest"])
        if others and row["heaviest_calls"] * 2 > row["calls"]:
            yield _finding(row, others)


def _finding(row: Row, others: int) -> Finding:
    message = (
        f"{row['callee']} refused {row['refused']} calls by rate limit, {others} of them of others than "
        f"{row['heaviest']}, which made {share(row['heaviest_calls'], row['calls'])} of all calls."
    )
    return edge_finding(
        "rate_limited_callers",
        UNFAIR,
        {**row, "caller": row["heaviest"], "caller_namespace": row["heaviest_namespace"]},
        message,
        evidence=("calls", "refused", "callers"),
        side="configuration",
    )


ANALYZER: Final = telemetry_analyzer(
    "rate_limited_callers", codes=(UNFAIR,), findings=_findings, documentation=__doc__ or ""
)
