"""A gateway refuses requests that come over another host's connection.

**What.** Requests at a gateway whose authority is not the server name of their TLS connection, and that it answered 404
without a route, or 421.

**Why it matters.** Browsers reuse an HTTP/2 connection for every name that its certificate covers. Where two Gateways
share a wildcard certificate and each has its own host, the page of the second is a 404 for whoever visited the first.

**Evidence.** Server name, authority, count.

**Fix.** One Gateway server for all hosts of the certificate (or its wildcard), or a certificate for each host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.telemetry.report import CALLS, each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

REUSED: Final = Code(
    "ML0632",
    "Requests come over another host's connection",
    "warning",
    "A shared certificate makes browsers reuse connections between hosts of different Gateways.",
    ("IST0138",),
)


def _finding(row: Row) -> Finding:
    message = (
        f"{row['gateway']} answered {row['calls']} requests for {row['callee']} with {row['response_code']}: they came "
        f"over connections made for {row['server_name']}."
    )
    return edge_finding(
        "reused_connections",
        REUSED,
        row,
        message,
        evidence=("calls", "server_name", "response_code", "gateway"),
        subject=f"{row['gateway']}: {row['callee']} over {row['server_name']}",
        side="configuration",
    )


ANALYZER: Final = telemetry_analyzer(
    "reused_connections", codes=(REUSED,), findings=each(_finding), documentation=__doc__ or "", inputs=(CALLS,)
)
