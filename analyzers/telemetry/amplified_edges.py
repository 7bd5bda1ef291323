"""Retries multiply load: callees get more attempts than their callers make calls.

**What.** For every edge of workloads, attempts that the callee's proxy logged over calls that the caller's proxy
logged, and the product along each path: three tries at each of three hops are 27 attempts at the last.

**Why it matters.** Retries that help with a lost packet turn a slow dependency into a flood. The load is greatest
where it hurts, at the end of the chain, and just when that is in trouble.

**Evidence.** Calls, attempts and calls with more than one attempt of the edge; the path with the greatest product.
Counted are calls of which both proxies wrote a line, so filters and sampling on either side do not distort it.

**Fix.** Retry at one hop only, the one nearest to the trouble: set `retries.attempts: 0` in the VirtualServices of the
others (Istio retries twice where nothing is said), and bound what is left with a retry budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.telemetry.report import each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

AMPLIFIED: Final = Code(
    "ML0611",
    "Retries multiply the load",
    "warning",
    "The callee gets at least 1.5 attempts for each call at the path's beginning. Retry at one hop only.",
)


def _finding(row: Row) -> Finding:
    message = (
        f"{row['calls']} calls made {row['attempts']} attempts at {row['callee']} ({row['amplification']:.2f} a call; "
        f"{row['retried']} calls were tried again)"
    )
    if len(row["path"]) > 1:
        message += f"; along {', '.join(row['path'])} retries multiply to {row['product']:.2f}"
    evidence = ("calls", "attempts", "retried", "failures", "amplification", "product", "path")
    return edge_finding("amplified_edges", AMPLIFIED, row, f"{message}.", evidence=evidence, side="configuration")


ANALYZER: Final = telemetry_analyzer(
    "amplified_edges", codes=(AMPLIFIED,), findings=each(_finding), documentation=__doc__ or ""
)
