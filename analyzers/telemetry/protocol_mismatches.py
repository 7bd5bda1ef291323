"""A port's declared protocol is not what it carries.

**What.** Ports declared HTTP or gRPC that only ever gave TCP lines; ports that declare nothing and carry HTTP; ports
where a tenth of the calls or more could not be read as the declared protocol (UPE, DPE, codec errors).

**Why it matters.** The declared protocol decides whether there are routes, retries, per-request balancing and HTTP
metrics at all. An undeclared port is guessed by its first bytes, which fails for protocols where the server speaks
first (MySQL, SMTP) and costs a wait.

**Evidence.** Calls by kind of line, the HTTP versions seen, callers.

**Fix.** Name the port `http-...`, `http2-...`, `grpc-...` or `tcp-...`, or set `appProtocol`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.telemetry.report import CALLS, each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

MISMATCH: Final = Code(
    "ML0627",
    "The declared protocol is not the one seen",
    "warning",
    "Routes, retries and metrics follow the declared protocol.",
    ("IST0118", "KIA0601"),
)
UNDECLARED: Final = Code(
    "ML0657",
    "HTTP on a port that declares no protocol",
    "info",
    "Istio has to look at the first bytes of each connection.",
    ("IST0118", "KIA0601"),
)


def _finding(row: Row) -> Finding:
    port = f"port {row['port']} ({row['port_name'] or 'unnamed'}) of {row['callee']}"
    match row["mismatch"]:
        case "only_tcp":
            message = f"{port} is declared {row['declared_protocol']}, and all {row['calls']} calls were seen as TCP."
        case "undeclared_http":
            message = f"{port} declares no protocol and carries HTTP ({row['calls']} calls)."
        case _:
            message = (
                f"{row['unreadable']} of {row['calls']} calls to {port} could not be read as "
                f"{row['declared_protocol']}."
            )
    return edge_finding(
        "protocol_mismatches",
        UNDECLARED if row["mismatch"] == "undeclared_http" else MISMATCH,
        row,
        message,
        evidence=("calls", "tcp_calls", "http_calls", "unreadable", "protocols", "callers", "declared_protocol"),
        side="configuration",
        at=f"{row['kind']}/{row['namespace']}/{row['name']}",
        path="spec/ports",
        identity=(str(row["port"]), row["mismatch"]),
    )


ANALYZER: Final = telemetry_analyzer(
    "protocol_mismatches",
    codes=(MISMATCH, UNDECLARED),
    findings=each(_finding),
    documentation=__doc__ or "",
    inputs=(
        CALLS,
        Input(("mesh_objects",), kinds=("Service", "ServiceEntry"), reason="Ports are declared by Services."),
    ),
)
