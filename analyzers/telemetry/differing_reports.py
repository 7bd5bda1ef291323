"""The two proxies of a call report different response codes.

**What.** Calls of one attempt of which the caller's line has another response code than the callee's.

**Why it matters.** What the callee answered is not what the caller got: the difference was made between them. A
caller's 503 or 504 over a callee's 200 is the caller's proxy giving up or losing the connection; a 200 over a 5xx is a
filter or a fallback that hides failures.

**Evidence.** The pair of codes, flags and details of both sides, request ids.

**Fix.** Look at the flags: UT is the caller's timeout, UC a lost connection, DC a caller that left; without a flag an
EnvoyFilter or an extension changed the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.telemetry.report import each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding, Side
    from analyzers.telemetry.report import Row

DIFFER: Final = Code(
    "ML0634", "Caller and callee report different codes", "info", "The answer changed between the two proxies."
)


def _finding(row: Row) -> Finding:
    message = (
        f"{row['calls']} calls to {row['callee']} ended with {row['response_code']} at the caller ({row['flags']}) and "
        f"{row['server_response_code']} at the callee ({row['server_flags']})."
    )
    return edge_finding(
        "differing_reports",
        DIFFER,
        row,
        message,
        evidence=("calls", "response_code", "server_response_code", "flags", "server_flags", "details", "request_ids"),
        side=_side(row),
        identity=(str(row["response_code"]), str(row["server_response_code"])),
    )


def _side(row: Row) -> Side:
    """Who made the difference."""
    flags = set(row["flags"].split(","))
    if "UC" in flags:
        return "network"
    if flags & {"DC", "DR"}:
        return "caller_application"
    return "caller_proxy"


ANALYZER: Final = telemetry_analyzer(
    "differing_reports", codes=(DIFFER,), findings=each(_finding), documentation=__doc__ or ""
)
