"""Sources of telemetry that tell a different service graph.

What: the graph of callers and callees is computed three times, from access logs, from spans and from Istio's standard
metrics. An edge that one source has and another lacks, or counts differently, is reported.

Why it matters: recommendations and diagnosis rest on the graph. An edge that only metrics know is traffic whose logs
are switched off, filtered or lost; scoping by logs alone would cut it off.

Evidence: the calls each source counted for the edge. Spans are sampled and Envoy makes none for TCP, so spans are
only compared as to whether they know an edge that the others lack.

Fix: switch access logging on for the workload (Telemetry `accessLogging`), or collect the pod's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from analyzers.framework.analyzer import Analyzer, Code, Input, Options
from analyzers.framework.finding import Edge as FindingEdge
from analyzers.framework.finding import Finding, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipelines.lake.session import Session

Source = Literal["logs", "traces", "metrics"]

#: The lake table that each source reads, in the order in which one is chosen where the user names none.
TABLES: Final[Mapping[Source, str]] = {"logs": "access_logs", "traces": "spans", "metrics": "metric_samples"}

UNKNOWN: Final = "unknown"

#: Share by which two exact counts of one edge may differ before it is worth a word: scrapes and log flushes do not
#: end at the same moment.
TOLERANCE: Final = 0.1

MISSING_EDGE = Code(
    "ML0301",
    "An edge is missing from one source of telemetry",
    "info",
    "Access logs or metrics know calls that the other source does not. Telemetry is switched off, filtered or lost.",
)
DIFFERENT_COUNT = Code(
    "ML0302",
    "Two sources of telemetry count an edge differently",
    "info",
    "Access logs and metrics both know the edge and differ by more than a tenth: lines were lost or filtered.",
)


class NoTelemetryError(LookupError):
    """The lake has nothing to draw the asked graph from."""


@dataclass(frozen=True, slots=True)
class Node:
    """A workload, a gateway, or a host that is called. `identity` is unique in a graph."""

    identity: str
    name: str
    namespace: str | None
    kind: str
    calls_in: int
    calls_out: int
    errors_in: int


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls from a workload to a host as configured. Latencies are milliseconds, null where the source has none."""

    caller: str
    caller_namespace: str | None
    caller_kind: str
    callee: str
    callee_namespace: str | None
    callee_kind: str
    port: int | None
    protocol: str
    calls: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    first_seen: datetime
    last_seen: datetime

    @property
    def error_rate(self) -> float:
        """Share of calls that failed, 0 to 1."""
        return self.errors / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What each source counted for one edge (null: the source has data, but not this edge)."""

    caller: str
    callee: str
    protocol: str
    logs: int | None
    traces: int | None
    metrics: int | None


@dataclass(frozen=True, slots=True)
class ServiceGraph:
    """Nodes and edges as one source shows them, and the edges on which the sources differ."""

    source: Source
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    disagreements: tuple[Disagreement, ...]


def available_sources(session: Session) -> tuple[Source, ...]:
    """The sources that the lake has rows of, the most exact first."""
    return tuple(source for source, table in TABLES.items() if session.rows(table) > 0)


def service_graph(session: Session, source: Source | None, options: Options) -> ServiceGraph:
    """The graph that `source` shows (null: the most exact one there is) in the period of `options`.

    Raises:
        NoTelemetryError: the lake has no rows of that source.
    """
    available = available_sources(session)
    if not available or (source is not None and source not in available):
        wanted = source or "telemetry"
        raise NoTelemetryError(f"the lake has no {wanted}; ingest some first: meshlens ingest PATH...")
    chosen = source or available[0]
    by_source: dict[Source, tuple[Edge, ...]] = {name: edges_of(session, name, options) for name in available}
    edges = by_source[chosen]
    return ServiceGraph(chosen, _nodes(edges), edges, _disagreements(by_source))


def edges_of(session: Session, source: Source, options: Options) -> tuple[Edge, ...]:
    """The edges that `source` shows. Metrics are counters over all that was ingested and know no period."""
    if source == "metrics":
        table = session.query("edges_from_metrics")
    else:
        table = session.query(f"service_graph_{source}", since=options.since, until=options.until)
    rows: Sequence[dict[str, object]] = table.to_pylist()
    named = ({**row, "caller": row["caller"] or UNKNOWN, "callee": row["callee"] or UNKNOWN} for row in rows)
    edges = (Edge(**row) for row in named)  # type: ignore[arg-type]  # the query's columns are the fields of Edge
    return tuple(edge for edge in edges if _wanted(edge, options.namespaces))


def run(session: Session, options: Options) -> Iterator[Finding]:
    """One finding per edge on which logs and metrics differ."""
    available = available_sources(session)
    if len(available) < 2:
        return
    graph = service_graph(session, None, options)
    for one in graph.disagreements:
        yield _finding(one, MISSING_EDGE if one.logs is None or one.metrics is None else DIFFERENT_COUNT)


def _finding(one: Disagreement, code: Code) -> Finding:
    counted = {"logs": one.logs, "traces": one.traces, "metrics": one.metrics}
    said = ", ".join(f"{name} {'none' if count is None else count}" for name, count in counted.items())
    subject = f"{one.caller} -> {one.callee}"
    return Finding(
        analyzer=ANALYZER.name,
        code=code.code,
        severity=code.severity,
        subject=subject,
        message=f"Calls counted over {one.protocol}: {said}.",
        evidence={"calls": counted, "protocol": one.protocol},
        fingerprint=fingerprint(code.code, subject, one.protocol),
        edges=(FindingEdge(one.caller, one.callee),),
        next_step="Check the workload's Telemetry accessLogging settings and whether all its pods' logs were ingested.",
    )


def _wanted(edge: Edge, namespaces: Sequence[str]) -> bool:
    return not namespaces or edge.caller_namespace in namespaces or edge.callee_namespace in namespaces


def _nodes(edges: Iterable[Edge]) -> tuple[Node, ...]:
    described: dict[str, tuple[str, str | None, str]] = {}
    calls_in: dict[str, int] = {}
    calls_out: dict[str, int] = {}
    errors_in: dict[str, int] = {}
    for edge in edges:
        caller = f"{edge.caller_namespace or ''}/{edge.caller}"
        described.setdefault(caller, (edge.caller, edge.caller_namespace, edge.caller_kind))
        described.setdefault(edge.callee, (edge.callee, edge.callee_namespace, edge.callee_kind))
        calls_out[caller] = calls_out.get(caller, 0) + edge.calls
        calls_in[edge.callee] = calls_in.get(edge.callee, 0) + edge.calls
        errors_in[edge.callee] = errors_in.get(edge.callee, 0) + edge.errors
    return tuple(
        Node(
            identity,
            *described[identity],
            calls_in.get(identity, 0),
            calls_out.get(identity, 0),
            errors_in.get(identity, 0),
        )
        for identity in sorted(described)
    )


def _disagreements(by_source: Mapping[Source, tuple[Edge, ...]]) -> tuple[Disagreement, ...]:
    """Edges that exact sources (logs, metrics) count differently, or that only one of the sources knows."""
    counts: dict[tuple[str, str, str], dict[Source, int]] = {}
    for source, edges in by_source.items():
        for edge in edges:
            per_edge = counts.setdefault((edge.caller, _comparable_callee(edge), edge.protocol), {})
            per_edge[source] = per_edge.get(source, 0) + edge.calls
    return tuple(
        Disagreement(*key, counted.get("logs"), counted.get("traces"), counted.get("metrics"))
        for key, counted in sorted(counts.items())
        if _differ(key, counted, set(by_source))
    )


def _comparable_callee(edge: Edge) -> str:
    """The callee as all sources can name it: metrics know traffic outside the registry by its cluster alone."""
    if edge.callee_kind == "external" and edge.callee_namespace is None:
        return "PassthroughCluster"
    return "BlackHoleCluster" if edge.callee_kind == "blackhole" else edge.callee


def _differ(key: tuple[str, str, str], counted: Mapping[Source, int], available: set[Source]) -> bool:
    _, _, protocol = key
    exact = available & {"logs", "metrics"}
    if "traces" in available and not exact & counted.keys():
        return bool(exact)
    if exact != {"logs", "metrics"}:
        return False
    logs, metrics = counted.get("logs"), counted.get("metrics")
    if logs is None or metrics is None:
        return protocol != "tcp" or metrics is not None
    return abs(logs - metrics) > TOLERANCE * max(logs, metrics)


ANALYZER = Analyzer(
    name="service_graph",
    family="topology",
    inputs=(
        Input(
            ("access_logs", "spans", "metric_samples"),
            reason="there is no traffic to draw a graph from",
        ),
        Input(("mesh_objects",), kinds=("Pod",), optional=True, reason="callers stay unknown"),
    ),
    codes=(MISSING_EDGE, DIFFERENT_COUNT),
    run=run,
    documentation=__doc__ or "",
)
