"""What telemetry shows of each workload: whom it called, from when to when, and what was seen from the other side."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from analyzers.scoping.model import Observation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import timedelta

    from analyzers.scoping.model import Evidence
    from analyzers.scoping.workloads import Workload
    from pipelines.lake.session import Session

#: How many undeclared destinations of a workload keep their names; clients may write anything there.
UNDECLARED_LIMIT: Final = 500

#: Where calls of logs come from: the lines, the minute rollup, or the rollup where there are no lines any more.
Source: TypeAlias = Literal["auto", "lines", "minutes"]

_WHOLE: Final = 0.97  # a window this close to the whole is the whole

_NEVER: Final = datetime.max.replace(tzinfo=UTC, microsecond=0)


@dataclass(frozen=True, slots=True)
class Lines:
    """What the proxies of some pods wrote. `split_at` is where the replay cuts: halfway, if nothing else is said."""

    pods: int = 0
    lines: int = 0
    outbound_lines: int = 0
    first: datetime | None = None
    last: datetime | None = None
    split_at: datetime | None = None

    @property
    def middle(self) -> datetime | None:
        """Halfway between the first and the last line."""
        if self.split_at is not None:
            return self.split_at
        return None if self.first is None or self.last is None else self.first + (self.last - self.first) / 2


@dataclass(frozen=True, slots=True)
class Observed:
    """All of one workload. `metric_calls` is null where metrics do not know it as a caller."""

    lines: Lines
    calls: tuple[Observation, ...] = ()
    seen_by_both: int = 0
    metric_calls: int | None = None
    metric_first: datetime | None = None
    metric_last: datetime | None = None

    @property
    def start(self) -> datetime | None:
        """The first observation of any kind."""
        return min((time for time in (self.lines.first, self.metric_first) if time), default=None)

    @property
    def end(self) -> datetime | None:
        """The last observation of any kind."""
        return max((time for time in (self.lines.last, self.metric_last) if time), default=None)

    @property
    def length(self) -> timedelta | None:
        """From the first to the last observation."""
        return None if self.start is None or self.end is None else self.end - self.start

    def count(self, *evidence: Evidence) -> int:
        """Calls with this evidence."""
        return sum(call.calls for call in self.calls if call.evidence in evidence)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Every workload's observations, in the order of the workloads given, and what belongs to none of them.

    `tcp_measured`: Istio's TCP byte counters were collected.
    """

    observed: tuple[Observed, ...]
    end: datetime | None
    lines: int
    lines_without_writer: int
    tcp_measured: bool = False


@dataclass(slots=True)
class _Metrics:
    calls: list[Observation] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None


def read_telemetry(
    session: Session, workloads: Sequence[Workload], names: Collection[str], source: Source = "auto"
) -> Telemetry:
    """What logs and metrics show of `workloads`. Authorities are kept if among `names` or below one (`*.corp`)."""
    by_minute = source == "minutes" or (
        source == "auto" and not session.rows("access_logs") and bool(session.rows("edges_1m"))
    )
    rows = _lines_written(session, by_minute=by_minute)
    by_pod = {(row["namespace"], row["pod"]): row for row in rows if row["pod"] is not None}
    lines = [_lines_of(workload, by_pod) for workload in workloads]
    if by_minute:
        lines = _cut_together(lines, rows)
        calls = _minutes(session, workloads, lines) if rows else {}
    else:
        calls = _calls(session, workloads, lines, names) if rows else {}
    metrics = _metrics(session, workloads) if session.rows("metric_samples") else {}
    observed = []
    for number, written in enumerate(lines):
        both, shown = calls.get(number, (0, []))
        measured = metrics.get(number)
        observed.append(
            Observed(
                lines=written,
                calls=(*shown, *(measured.calls if measured else ())),
                seen_by_both=both,
                metric_calls=sum(call.calls for call in measured.calls) if measured else None,
                metric_first=measured.first if measured else None,
                metric_last=measured.last if measured else None,
            )
        )
    ends = [row["last_line"] for row in rows] + [found.last for found in metrics.values() if found.last]
    return Telemetry(
        observed=tuple(observed),
        end=max(ends, default=None),
        lines=sum(row["lines"] for row in rows),
        lines_without_writer=sum(row["lines"] for row in rows if row["pod"] is None),
        tcp_measured=bool(session.query("scoping_tcp_measured")["is_measured"][0].as_py()),
    )


def _lines_written(session: Session, *, by_minute: bool) -> list[dict[str, Any]]:
    if not by_minute and not session.rows("access_logs"):
        return []
    rows: list[dict[str, Any]] = session.query("scoping_minute_lines" if by_minute else "scoping_lines").to_pylist()
    return rows


def _cut_together(lines: Sequence[Lines], rows: Sequence[dict[str, Any]]) -> list[Lines]:
    """The rollup is added up once for all: every workload's replay is cut in the middle of the whole."""
    first = min((row["first_line"] for row in rows), default=None)
    last = max((row["last_line"] for row in rows), default=None)
    if first is None or last is None:
        return list(lines)
    return [replace(found, split_at=first + (last - first) / 2) if found.lines else found for found in lines]


def _minutes(
    session: Session, workloads: Sequence[Workload], lines: Sequence[Lines]
) -> dict[int, tuple[int, list[Observation]]]:
    """Workload number -> destinations by the minute rollup."""
    members = [(pod, number) for number, workload in enumerate(workloads) for pod in workload.pods]
    table = session.query(
        "scoping_minutes",
        namespaces=[pod.namespace for pod, _ in members],
        pods=[pod.name for pod, _ in members],
        workloads=[number for _, number in members],
        limit_per_workload=UNDECLARED_LIMIT,
    )
    whole = [found for found in lines if found.first and found.last]
    start = min((found.first for found in whole if found.first), default=None)
    end = max((found.last for found in whole if found.last), default=None)
    found: defaultdict[int, tuple[int, list[Observation]]] = defaultdict(lambda: (0, []))
    for row in table.to_pylist():
        values = {key: row[key] for key in ("route", "evidence", "calls", "calls_before", "port", "protocol")}
        values |= {"first_seen": row["first_seen"], "last_seen": row["last_seen"]}
        slices = _own_slices(row["slices"], lines[row["workload"]], start, end)
        found[row["workload"]][1].append(
            Observation(callee=row["callee"] or "", slices=slices, by_minute=True, **values)
        )
    return dict(found)


def _own_slices(slices: Sequence[int], lines: Lines, start: datetime | None, end: datetime | None) -> tuple[int, ...]:
    """Slices of the whole time as slices of the workload's own window, which may be shorter."""
    if start is None or end is None or lines.first is None or lines.last is None or end == start:
        return tuple(slices)
    share = (lines.last - lines.first) / (end - start)
    ahead = (lines.first - start) / (end - start) * 64
    if share >= _WHOLE or share <= 0:
        return tuple(slices)
    return tuple(sorted({min(max(int((number - ahead) / share), 0), 63) for number in slices}))


def _lines_of(workload: Workload, by_pod: Mapping[tuple[str, str], dict[str, object]]) -> Lines:
    found = [by_pod[pod.namespace, pod.name] for pod in workload.pods if (pod.namespace, pod.name) in by_pod]
    if not found:
        return Lines()
    return Lines(
        pods=len(found),
        lines=sum(cast("int", row["lines"]) for row in found),
        outbound_lines=sum(cast("int", row["outbound_lines"]) for row in found),
        first=min(cast("datetime", row["first_line"]) for row in found),
        last=max(cast("datetime", row["last_line"]) for row in found),
    )


def _calls(
    session: Session, workloads: Sequence[Workload], lines: Sequence[Lines], names: Collection[str]
) -> dict[int, tuple[int, list[Observation]]]:
    """Workload number -> calls seen by both sides, and every destination."""
    members = [(pod, number) for number, workload in enumerate(workloads) for pod in workload.pods]
    table = session.query(
        "scoping_observed",
        namespaces=[pod.namespace for pod, _ in members],
        pods=[pod.name for pod, _ in members],
        workloads=[number for _, number in members],
        # Without a line there is nothing to split: all that others saw of it counts as before.
        starts=[lines[number].first or _NEVER for _, number in members],
        splits=[lines[number].middle or _NEVER for _, number in members],
        names=sorted(name for name in names if not name.startswith("*")),
        suffixes=sorted((name[1:] for name in names if name.startswith("*.")), key=len, reverse=True),
        limit_per_workload=UNDECLARED_LIMIT,
    )
    found: defaultdict[int, tuple[int, list[Observation]]] = defaultdict(lambda: (0, []))
    for row in table.to_pylist():
        both, calls = found[row["workload"]]
        calls.append(
            Observation(
                callee=row["callee"] or "",
                route=row["route"],
                evidence=cast("Literal['caller_log', 'callee_log']", row["evidence"]),
                calls=row["calls"],
                calls_before=row["calls_before"],
                port=row["port"],
                protocol=row["protocol"],
                requested=row["requested"],
                first_seen=row["first_seen"],
                last_seen=row["last_seen"],
                slices=tuple(number for number in row["slices"] if number is not None),
                pod=(row["dialled_namespace"], row["dialled_pod"]) if row["dialled_pod"] else None,
                owners=row["dialled_owners"] or 0,
            )
        )
        found[row["workload"]] = (both + row["calls_seen_by_both"], calls)
    return dict(found)


def _metrics(session: Session, workloads: Sequence[Workload]) -> dict[int, _Metrics]:
    """Workload number -> what Istio's metrics say of its calls. A call with a cluster of no host is passthrough."""
    owners: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, workload in enumerate(workloads):
        for controller in workload.controllers:
            owners[workload.namespace, controller].append(number)
    found: defaultdict[int, _Metrics] = defaultdict(_Metrics)
    for row in session.query("edges_from_metrics").to_pylist():
        for number in owners.get((row["caller_namespace"], row["caller"]), ()):
            entry = found[number]
            entry.calls.append(
                Observation(
                    callee=(row["callee"] or "").lower(),
                    route={"PassthroughCluster": "passthrough", "BlackHoleCluster": "blackhole"}.get(
                        row["callee"], "registry"
                    ),
                    evidence="metrics",
                    calls=row["calls"],
                    calls_before=0,
                    port=row["port"],
                    protocol=row["protocol"],
                    first_seen=row["first_seen"],
                    last_seen=row["last_seen"],
                )
            )
            entry.first = min(time for time in (entry.first, row["first_seen"]) if time)
            entry.last = max(time for time in (entry.last, row["last_seen"]) if time)
    for row in session.query("scoping_open_connections").to_pylist():
        for number in owners.get((row["caller_namespace"], row["caller"]), ()):
            entry = found[number]
            if row["callee"] in {call.callee for call in entry.calls}:
                continue
            entry.calls.append(
                Observation(
                    callee=row["callee"] or "",
                    route="passthrough" if row["callee"] == "passthroughcluster" else "registry",
                    evidence="metrics",
                    calls=1,
                    calls_before=0,
                    protocol="tcp",
                    first_seen=row["first_seen"],
                    last_seen=row["last_seen"],
                    long_lived=True,
                )
            )
            entry.first = min(time for time in (entry.first, row["first_seen"]) if time)
            entry.last = max(time for time in (entry.last, row["last_seen"]) if time)
    return dict(found)
