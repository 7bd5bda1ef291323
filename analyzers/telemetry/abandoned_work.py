"""Work for nobody: an inner call goes on after the call that asked for it was given up.

**What.** A call timed out or its caller left, and a call that the callee made for it was still under way a tenth of a
second later. The outer budget is shorter than the inner one.

**Why it matters.** The inner service works for an answer that nobody reads, just when it is slow already; retries of
the outer call start the work again. It is the usual way from a slow database to a mesh that stands still.

**Evidence.** Pairs of calls with one request id: the outer edge, the inner edge, the medians of both durations. The
callee must pass `x-request-id` on; without it nothing is said.

**Fix.** Give the inner call a shorter timeout than what is left of the outer one, deepest first; an application that
passes deadlines on (gRPC does) needs no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.framework.finding import Edge
from analyzers.telemetry.report import each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

ABANDONED: Final = Code(
    "ML0614",
    "An inner call outlives the outer one",
    "warning",
    "The outer timeout is shorter than the inner call takes.",
)


def _finding(row: Row) -> Finding:
    inner = Edge(row["inner_caller"], row["inner_callee"])
    message = (
        f"{row['calls']} calls to {row['callee']} were given up after {row['outer_ms']:.0f} ms (median) while "
        f"{inner.caller} still called {inner.callee} for them ({row['inner_ms']:.0f} ms)."
    )
    return edge_finding(
        "abandoned_work",
        ABANDONED,
        row,
        message,
        evidence=("calls", "timed_out", "outer_ms", "inner_ms", "longest_inner_ms", "request_ids"),
        more={"inner_edge": {"caller": inner.caller, "callee": inner.callee}},
        side="configuration",
        identity=(inner.caller, inner.callee),
    )


ANALYZER: Final = telemetry_analyzer(
    "abandoned_work", codes=(ABANDONED,), findings=each(_finding), documentation=__doc__ or ""
)
