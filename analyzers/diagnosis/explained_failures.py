"""Failing calls, explained by the proxies on both sides and the object that caused them.

**What.** Every call of the access logs that failed is given a cause by the log line that decides: the caller's proxy
where it refused, gave up or could not connect; the callee's where the caller's only passed an answer on. Calls with
one cause and one signature (flags, class of the details) at one callee form an episode; five seconds of quiet end it.
A call that failed because another one of the same request failed (or, for TCP, one of the same pod at that moment)
is counted with that one: an episode names the edge where the trouble is and lists the edges it reached.

**Why it matters.** A 503 has two dozen causes, in two proxies, two applications, a network and their configuration,
and each is repaired elsewhere. The response code alone tells none of them apart.

**Evidence.** Calls that failed out of all calls on those edges meanwhile, with 95 % Wilson bounds; what each side
logged; request ids with the file and the byte at which their line stands; how many calls were seen from both sides;
the object in force (or just changed) whose setting has this effect, with the path in it and, where versions were
ingested, the change as a diff. Where facts are missing the cause stays at the class that the log line proves, and the
object stays unknown.

**Severity.** At least 5 failures are a warning where at least 1 % of the calls failed for sure (lower bound), 10
failures and 10 % an error; less is information. Small bursts again and again are one sporadic episode and at most a
warning, and so are refusals by policy and callers that give up.

**Fix.** Each cause has its own code (ML02xx) with its meaning and next step: `meshlens explain CODE`.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, cast

from analyzers.diagnosis.causes import BY_NAME, UNEXPLAINED
from analyzers.diagnosis.failure_evidence import evidence_of
from analyzers.diagnosis.object_changes import change_of
from analyzers.framework.analyzer import Analyzer, Input
from analyzers.framework.finding import SEVERITIES, Edge, Finding, fingerprint
from analyzers.framework.statistics import wilson_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.diagnosis.causes import Cause
    from analyzers.diagnosis.failure_evidence import Row
    from analyzers.framework.analyzer import Options
    from analyzers.framework.finding import Severity, Side
    from pipelines.lake.session import Session

#: Severity -> failures and share (lower bound) that it takes at least. The first that fits counts.
_THRESHOLDS: Final[tuple[tuple[Severity, int, float], ...]] = (("error", 10, 0.10), ("warning", 5, 0.01))

#: Calls that fail now and then in small bursts are no outage.
_SPORADIC_THRESHOLDS: Final[tuple[tuple[Severity, int, float], ...]] = (("warning", 10, 0.01),)

#: Giving up is the caller's right: it takes many to be worth a warning.
_CANCEL_THRESHOLDS: Final[tuple[tuple[Severity, int, float], ...]] = (("warning", 10, 0.5),)


def run(session: Session, options: Options) -> Iterator[Finding]:
    """One finding for each episode of failing calls."""
    rows = session.query(
        "explained_failures", since=options.since, until=options.until, namespaces=list(options.namespaces)
    )
    for batch in rows.to_batches():
        for row in batch.to_pylist():
            change = None
            if row["object_changed_at"] is not None:
                located = (row["object_kind"], row["object_namespace"], row["object_name"])
                change = change_of(session, *located, row["object_changed_at"])
            yield _finding(row, change)


def _finding(row: Row, change: Mapping[str, object] | None) -> Finding:
    cause = BY_NAME.get(row["cause"] or "", UNEXPLAINED)
    subject = row["callee"]
    if row["scope"] == "edge":
        subject = f"{row['edges'][0]['caller']} -> {subject}"
    kind, namespace, name = (row[f"object_{part}"] for part in ("kind", "namespace", "name"))
    located = "/".join((kind, namespace or "", name)) if kind else None
    identity = (str(row["port"]), row["protocol"], row["decided_by"], ",".join(row["flags"]), row["details_class"])
    return Finding(
        analyzer="explained_failures",
        code=cause.code,
        severity=severity_of(cause, row["edge_failures"], row["edge_calls"], sporadic=row["is_sporadic"]),
        subject=subject,
        message=_message(row, cause),
        fingerprint=fingerprint(cause.code, subject, *identity),
        evidence=evidence_of(row) | ({"object_change": change} if change else {}),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        cause=row["cause"],
        side=cast("Side", row["side"]),
        object=located,
        path=row["object_path"],
        edges=tuple(Edge(edge["caller"], edge["callee"]) for edge in row["edges"]),
        next_step=cause.next_step.format_map(_places(row, located)),
    )


def severity_of(cause: Cause, failures: int, calls: int, *, sporadic: bool = False) -> Severity:
    """How bad `failures` of `calls` are for this cause: information below the minimum sample, never above its cap."""
    lower, _ = wilson_bounds(failures, calls)
    thresholds = _SPORADIC_THRESHOLDS if sporadic else _THRESHOLDS
    if cause.name == "client_cancel":
        thresholds = _CANCEL_THRESHOLDS
    for severity, least, share in thresholds:
        if failures >= least and lower >= share:
            return SEVERITIES[min(SEVERITIES.index(severity), SEVERITIES.index(cause.worst))]
    return "info"


def _message(row: Row, cause: Cause) -> str:
    callers = [edge["caller"] for edge in row["edges"]]
    named = (
        callers[0]
        if len(callers) == 1
        else f"{len(callers)} callers ({', '.join(callers[:4])}{', ...' * (len(callers) > 4)})"
    )
    rarely = f" now and then, in {row['bursts']} bursts" if row["is_sporadic"] else ""
    logged = ",".join(row["flags"]) or row["details_class"] or "no flag"
    proxy = "callee" if row["decided_by"] == "server" else "caller"
    fate = "were delayed" if cause.name == "fault_delay" else "failed"
    told = (
        f"{cause.title}: {row['edge_failures']} of {row['edge_calls']} calls from {named} to {row['callee']} "
        f"{fate}{rarely} ({logged}, logged by the {proxy}'s proxy): {cause.meaning}"
    )
    if row["side"] == "unknown" and cause.name in {"application_error", "retries_exhausted"}:
        told += " The callee's own log line is missing: its proxy cannot be told from its application."
    affected = row["affected"]
    if affected:
        reached = ", ".join(f"{edge['caller']} -> {edge['callee']} ({edge['failures']})" for edge in affected[:4])
        told += f" Calls that failed because of these: {reached}{', ...' * (len(affected) > 4)}."
    return told


def _places(row: Row, located: str | None) -> Mapping[str, str]:
    """What a next step may name. Names come from telemetry, so they are quoted for the shell they are pasted into."""
    caller = row["edges"][0]
    callee = row["callee"]
    values = {
        "callee": callee,
        "service": callee.partition(".")[0],
        "namespace": row["callee_namespace"],
        "caller": None if caller["caller"] == "unknown" else caller["caller"],
        "caller_namespace": caller["caller_namespace"],
        "workload": row["workload"],
        "workload_namespace": row["pod_namespace"] or row["callee_namespace"],
        "port": str(row["port"]) if row["port"] is not None else None,
        "object": located,
    }
    return {key: shlex.quote(value) if value else f"<{key}>" for key, value in values.items()}


ANALYZER: Final = Analyzer(
    name="explained_failures",
    family="diagnosis",
    inputs=(
        Input(("access_logs",), reason="Failures are read from access logs: ingest those of both sides."),
        Input(
            ("mesh_objects",),
            kinds=("Pod",),
            optional=True,
            reason="Workloads stay unknown without Pods: ingest the cluster's objects.",
        ),
        Input(
            ("mesh_objects",),
            kinds=("VirtualService", "DestinationRule"),
            optional=True,
            reason="Objects at fault stay unknown without the mesh's configuration.",
        ),
    ),
    codes=tuple(cause.as_code() for cause in (*BY_NAME.values(), UNEXPLAINED) if cause.from_logs),
    run=run,
    documentation=__doc__ or "",
)
