"""A timeout that cuts off slow answers as a habit.

**What.** Over 1 % of an edge's calls, for sure, ended in the route's timeout (UT), spread over at least half of the
observed time.

**Why it matters.** The timeout lies below the 99th percentile of what the service really takes, so users see errors
where they would have seen an answer a little later. An outage is another matter: its timeouts come all at once.

**Evidence.** Calls, those cut off with Wilson's lower bound, the timeout that fired (the most frequent duration),
median and longest of the answers that came. A timeout hides how long the cut-off calls would have taken: the true
percentile is known to lie above it, not where (Kaplan and Meier, JASA 53, 1958).

**Fix.** Raise the timeout for a while and measure, or make the slow requests faster; look at their paths first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.telemetry.report import each, edge_finding, share, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

BELOW: Final = Code(
    "ML0615", "The timeout lies below the real latency", "warning", "Over 1 % of the calls are cut off, all the time."
)


def _finding(row: Row) -> Finding:
    message = (
        f"{row['cut_off']} of {row['calls']} calls ({share(row['cut_off'], row['calls'])}) to {row['callee']} were cut "
        f"off by the timeout at about {row['timeout_ms']} ms, all the time: their 99th percentile lies above it."
    )
    evidence = (
        "calls",
        "cut_off",
        "cut_off_lower",
        "slices",
        "timeout_ms",
        "answered_median_ms",
        "answered_longest_ms",
    )
    return edge_finding("timeouts_below_latency", BELOW, row, message, evidence=evidence, side="configuration")


ANALYZER: Final = telemetry_analyzer(
    "timeouts_below_latency", codes=(BELOW,), findings=each(_finding), documentation=__doc__ or ""
)
