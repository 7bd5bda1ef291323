"""Calls pile up on a few endpoints although the policy would spread them.

**What.** For every calling pod, its calls to each endpoint of a host are compared with an even share (chi-square test;
Benjamini and Hochberg's procedure over all at 1 %), and named where the busiest endpoint has at least twice its share.
Consistent hashing, locality weights and subsets are uneven by intent and are left out, and so are endpoints that came
or went meanwhile.

**Why it matters.** One pod is overloaded while its peers idle; scaling out does not help.

**Evidence.** Calls by endpoint. Where the port's protocol is not declared or TCP, one long connection carries all
requests of a caller to one pod (gRPC and HTTP/2 hold theirs for hours).

**Fix.** Declare the port's protocol (`appProtocol: grpc`), so that requests are balanced instead of connections; or
bound connections (`maxRequestsPerConnection`, `maxConnectionDuration`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analyzers.framework.analyzer import Code
from analyzers.framework.comparisons import spread_probability, unlikely
from analyzers.telemetry.report import edge_finding, share, telemetry_analyzer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

UNEVEN: Final = Code(
    "ML0619", "Calls are not spread over the endpoints", "warning", "One endpoint gets at least twice its even share."
)


def _findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    for row, is_unlikely in zip(rows, unlikely([_probability(row["shares"]) for row in rows]), strict=True):
        even = row["calls"] / len(row["shares"])
        if is_unlikely and row["shares"][0] >= 2 * even:
            yield _finding(row)


def _probability(shares: list[int]) -> float:
    """How likely an even spread gives shares as uneven."""
    counts = np.asarray(shares, dtype=np.float64)
    return spread_probability(counts, np.full(len(shares), counts.mean()))


def _finding(row: Row) -> Finding:
    is_pinned = row["declared_protocol"] in {"tcp", "auto", "tls"}
    why = ""
    if is_pinned:
        why = f" Port {row['port']} is declared as {row['declared_protocol']}: connections are balanced, not requests."
    message = (
        f"{row['endpoints'][0]} got {row['shares'][0]} of {row['calls']} calls of {row['caller_pod']} "
        f"({share(row['shares'][0], row['calls'])}) to {len(row['shares'])} endpoints of {row['callee']}.{why}"
    )
    return edge_finding(
        "endpoint_shares",
        UNEVEN,
        row,
        message,
        evidence=("calls", "shares", "endpoints", "http_protocol", "declared_protocol", "port"),
        side="configuration" if is_pinned else "unknown",
        identity=(row["caller_pod"], str(row["port"])),
    )


ANALYZER: Final = telemetry_analyzer(
    "endpoint_shares", codes=(UNEVEN,), findings=_findings, documentation=__doc__ or ""
)
