"""One endpoint fails more, or answers slower, than its peers.

**What.** The endpoints of a host that belong to one workload are compared with each other: failures, and answers slower
than nine in ten of the workload's. An endpoint is named where chance does not explain the difference (Fisher's exact
test, one-sided; Benjamini and Hochberg's procedure over all endpoints at 1 %), where it has at least five such calls
and at least twice its peers' share of them.

**Why it matters.** One bad pod or node among twenty is a five per cent error rate that no dashboard of the service
explains, and that a restart of that pod ends.

**Evidence.** Calls, failures and slow answers of the endpoint and of its peers.

**Fix.** Look at the pod and its node (`kubectl describe pod`); set `outlierDetection` in a DestinationRule, so that
proxies leave such an endpoint alone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from analyzers.framework.analyzer import Code
from analyzers.framework.comparisons import excess_probabilities, unlikely
from analyzers.telemetry.report import edge_finding, share, telemetry_analyzer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

FAILS: Final = Code("ML0618", "One endpoint fails more than its peers", "warning", "The host's other pods fail less.")
SLOW: Final = Code(
    "ML0658", "One endpoint answers slower than its peers", "warning", "The host's other pods are faster."
)

_LEAST: Final = 5


def _findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    for code, part, whole in ((FAILS, "failures", "calls"), (SLOW, "slow", "answered")):
        totals: defaultdict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])
        for row in rows:
            total = totals[_group(row)]
            total[0] += row[part]
            total[1] += row[whole]
        probabilities = excess_probabilities(
            [row[part] for row in rows],
            [row[whole] for row in rows],
            [totals[_group(row)][0] for row in rows],
            [totals[_group(row)][1] for row in rows],
        )
        for row, is_unlikely in zip(rows, unlikely(probabilities), strict=True):
            hits, trials = totals[_group(row)]
            peers = (hits - row[part], trials - row[whole])
            twice = row[part] * max(peers[1], 1) >= 2 * peers[0] * row[whole]
            if is_unlikely and row[part] >= _LEAST and twice:
                yield _finding(code, row, part, whole, peers)


def _group(row: Row) -> tuple[object, ...]:
    return row["callee"], row["port"], row["callee_workload"]


def _finding(code: Code, row: Row, part: str, whole: str, peers: tuple[int, int]) -> Finding:
    name = row["callee_pod"] or row["upstream_host"]
    what = "failed" if code is FAILS else f"took longer than {row['slow_ms']:.0f} ms"
    message = (
        f"{row[part]} of {row[whole]} calls to {name} ({share(row[part], row[whole])}) {what}, of those to its peers "
        f"{share(*peers)}."
    )
    pod = f"Pod/{row['callee_pod_namespace']}/{row['callee_pod']}" if row["callee_pod"] else None
    return edge_finding(
        "endpoint_outcomes",
        code,
        row,
        message,
        evidence=("calls", "failures", "answered", "slow", "slow_ms", "median_ms", "upstream_host", "port"),
        more={"peers": {part: peers[0], whole: peers[1]}},
        subject=f"{name} of {row['callee']}",
        side="callee_application",
        at=pod,
    )


ANALYZER: Final = telemetry_analyzer(
    "endpoint_outcomes", codes=(FAILS, SLOW), findings=_findings, documentation=__doc__ or ""
)
