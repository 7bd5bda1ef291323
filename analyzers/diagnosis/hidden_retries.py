"""Failures that retries hid: the callers saw successes, and only counters tell.

**What.** A proxy's retry counter for a host (`envoy_cluster_upstream_rq_retry`) grew between two scrapes while no
logged call of that proxy to that host failed and its counters say that no retry was in vain. Steps that follow each
other are one episode, from the scrape before the first to the scrape before the last.

**Why it matters.** An access log has one line a call, not one an attempt: a pod that fails now and then, or that was
killed without draining, stays invisible until the retries no longer suffice. Each retry is load, too.

**Evidence.** Retries by calling workload, the scrapes between which they happened, and the pods of the host that were
deleted meanwhile; where all of those belong to one workload, it is the object.

**Severity.** Information: nobody was hurt.

**Fix.** Where pods went away: let them drain (`terminationGracePeriodSeconds`, a `preStop` that waits,
`drainDuration`). Otherwise the callee's own log at these times says what failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from analyzers.diagnosis.causes import BY_NAME
from analyzers.framework.analyzer import Analyzer, Input
from analyzers.framework.finding import Edge, Finding, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.framework.analyzer import Options
    from pipelines.lake.session import Session

#: Callers named in a message.
_NAMED: Final = 4

_CAUSE: Final = BY_NAME["hidden_retries"]


def run(session: Session, options: Options) -> Iterator[Finding]:
    """One finding for each episode at one host."""
    rows = session.query(
        "hidden_retries", since=options.since, until=options.until, namespaces=list(options.namespaces)
    )
    yield from map(_finding, rows.to_pylist())


def _finding(row: dict[str, Any]) -> Finding:
    edges = row["edges"]
    callers = ", ".join(edge["caller"] for edge in edges[:_NAMED]) + ", ..." * (len(edges) > _NAMED)
    message = (
        f"{row['retries']} tries of calls from {callers} to {row['callee']} failed and were retried with success; "
        "no access log shows them."
    )
    departed = row["departed_pods"]
    if departed:
        message += f" Meanwhile {', '.join(departed[:_NAMED])} went away."
    located = None
    if row["workload"] is not None:
        located = f"{row['workload_kind']}/{row['workload_namespace']}/{row['workload']}"
    return Finding(
        analyzer="hidden_retries",
        code=_CAUSE.code,
        severity=_CAUSE.worst,
        subject=row["callee"],
        message=message,
        fingerprint=fingerprint(_CAUSE.code, row["callee"], located or ""),
        evidence={
            "retries": row["retries"],
            "proxies": row["proxies"],
            "edges": edges,
            "not_after": row["not_after"].isoformat(),
            "departed_pods": departed,
            "departed_from": row["gone_from"].isoformat() if row["gone_from"] else None,
        },
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        cause=_CAUSE.name,
        side="callee_application" if departed else "unknown",
        object=located,
        edges=tuple(Edge(edge["caller"], row["callee"]) for edge in edges),
        next_step=_CAUSE.next_step,
    )


ANALYZER: Final = Analyzer(
    name="hidden_retries",
    family="diagnosis",
    inputs=(
        Input(("metric_samples",), reason="Retries that succeed are counted by Envoy's cluster metrics only."),
        Input(
            ("access_logs",),
            optional=True,
            reason="Without access logs only the proxies' counters say whether all retries succeeded.",
        ),
        Input(
            ("mesh_objects",),
            kinds=("Pod",),
            optional=True,
            reason="Pods that went away, and the callers' workloads, stay unknown without Pods and their changes.",
        ),
    ),
    codes=(_CAUSE.as_code(),),
    run=run,
    documentation=__doc__ or "",
)
