"""Writes that a retry repeated: a POST that the application answered more than once.

**What.** A call of a method that is not idempotent (POST, PATCH) of which the callee's proxy logged two or more
attempts that its application answered.

**Why it matters.** The first attempt may have taken effect: an order placed twice, money moved twice. Retries before
the request reached the application (refused connections, refused streams) are safe and do not count.

**Evidence.** Calls and answers by edge, method and route, with request ids. gRPC calls are always POST; whether they
may be repeated only the service knows, so an edge of gRPC alone is information.

**Fix.** Take `5xx`, `reset` and `gateway-error` out of that route's `retryOn` (a match on the method can give writes a
route of their own), or make the operation idempotent with a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.telemetry.report import each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

REPEATED: Final = Code(
    "ML0613", "A write was answered more than once", "warning", "A retry repeated a request that is not idempotent."
)


def _finding(row: Row) -> Finding:
    route = f" (route {row['route_name']})" if row["route_name"] else ""
    message = (
        f"{row['calls']} {row['method']} calls to {row['callee']}{route} were answered {row['answers']} times by the "
        f"application: retries repeated them."
    )
    return edge_finding(
        "repeated_writes",
        REPEATED,
        row,
        message,
        evidence=("calls", "answers", "grpc_calls", "request_ids", "paths", "method", "route_name"),
        # One write done twice is enough, however short the recording.
        severity="info" if row["grpc_calls"] == row["calls"] else "warning",
        side="configuration",
        identity=(row["method"], row["route_name"] or ""),
    )


ANALYZER: Final = telemetry_analyzer(
    "repeated_writes", codes=(REPEATED,), findings=each(_finding), documentation=__doc__ or ""
)
