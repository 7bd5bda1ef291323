"""Retries that do not help: what is tried again fails again.

**What.** Of the calls of an edge that were tried more than once, under 5 % succeeded in the end, and at most 10 % for
sure (Wilson, 95 %), over at least 50 such calls.

**Why it matters.** Such retries are load and delay without a gain: the failure is in the request (a 4xx, a payload
that crashes the handler) or in the whole service, not in one pod or one connection.

**Evidence.** Calls tried again, how many of them succeeded, their codes and flags.

**Fix.** Take the code out of `retryOn`, or retry at another hop. Istio's default is
`connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.telemetry.report import each, edge_finding, share, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

FUTILE: Final = Code(
    "ML0612",
    "Retries hardly ever help",
    "warning",
    "Under 5 % of the retried calls succeeded. Retry less, or elsewhere.",
)


def _finding(row: Row) -> Finding:
    message = (
        f"{row['retried']} calls to {row['callee']} were tried again and {row['helped']} of them "
        f"({share(row['helped'], row['retried'])}) succeeded."
    )
    evidence = ("retried", "helped", "helped_upper", "attempts", "codes", "flags")
    return edge_finding("futile_retries", FUTILE, row, message, evidence=evidence, side="configuration")


ANALYZER: Final = telemetry_analyzer(
    "futile_retries", codes=(FUTILE,), findings=each(_finding), documentation=__doc__ or ""
)
