"""Connections that the callee closes just as they are used again.

**What.** Calls that were reset at once (UC, under 50 ms) without reaching the callee, on connections that had been idle
for longer than a constant below which such calls succeed. The callee's keep-alive timeout is that constant.

**Why it matters.** A few 503 a day that nobody can reproduce: the callee's server closes an idle connection in the very
moment in which the proxy sends a request on it. Retries hide it only where the method may be retried.

**Evidence.** Resets, the shortest and the median idle time before them, and how many calls succeeded after less and
after more. The connection must be in the log (`%UPSTREAM_LOCAL_ADDRESS%`). Pods that were going away are left out.

**Fix.** Let the caller's proxy close first: `connectionPool.http.idleTimeout` of the DestinationRule below the callee's
keep-alive timeout, or raise that (Node.js has 5 s by default, gunicorn 2 s, Tomcat 20 s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.telemetry.report import each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

RACE: Final = Code(
    "ML0616",
    "Idle connections are closed as they are used again",
    "warning",
    "The callee's keep-alive timeout is shorter than the caller's idle timeout.",
)


def _finding(row: Row) -> Finding:
    idle = row["shortest_idle_seconds"]
    message = (
        f"{row['races']} calls to {row['callee']} were reset at once, all on connections that had been idle for "
        f"{idle:.1f} s or more: it closes idle connections after about that time."
    )
    return edge_finding(
        "keep_alive_races",
        RACE,
        row,
        message,
        evidence=("races", "shortest_idle_seconds", "median_idle_seconds", "good_after_less", "good_after_more"),
        side="configuration",
        next_step=(
            f"In a DestinationRule for {row['callee']} set trafficPolicy.connectionPool.http.idleTimeout below "
            f"{idle:.0f}s."
        ),
    )


ANALYZER: Final = telemetry_analyzer(
    "keep_alive_races", codes=(RACE,), findings=each(_finding), documentation=__doc__ or ""
)
