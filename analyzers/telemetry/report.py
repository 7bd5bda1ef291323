"""Findings about edges, made alike by every check of this room."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from analyzers.framework.analyzer import Analyzer, Input
from analyzers.framework.finding import Edge, Finding, fingerprint
from pipelines.sql_files import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from analyzers.framework.analyzer import Code, Options
    from analyzers.framework.finding import Severity, Side
    from pipelines.lake.session import Session

    #: A row of a check's statement.
    Row = Mapping[str, Any]
    Findings = Callable[[list[dict[str, Any]]], Iterable[Finding]]

#: Traffic of less than this cannot tell a habit from an incident, which is told by the calls that failed.
LASTING: Final = timedelta(minutes=10)

CALLS: Final = Input(("access_logs",), reason="Calls are read from access logs: ingest those of both sides.")
PODS: Final = Input(("mesh_objects",), kinds=("Pod",), optional=True, reason="Workloads stay unknown without Pods.")


def telemetry_analyzer(
    name: str,
    *,
    codes: tuple[Code, ...],
    findings: Findings,
    documentation: str,
    inputs: tuple[Input, ...] = (CALLS, PODS),
    query: str | None = None,
) -> Analyzer:
    """An analyzer of the family `diagnosis` whose statement in `sql/checks` (`query`; default: its name) decides.

    `findings` makes findings of the statement's rows, all at once: some compare them with each other.
    """
    asked = query or name

    def run(session: Session, options: Options) -> Iterator[Finding]:
        given: dict[str, object] = {
            "since": options.since,
            "until": options.until,
            "namespaces": list(options.namespaces),
            "minimum_samples": options.minimum_samples,
            "minimum_window": options.minimum_window,
        }
        rows = session.query(asked, **{key: given[key] for key in statement(asked).params})
        yield from findings(rows.to_pylist())

    return Analyzer(name, "diagnosis", inputs, codes, run, documentation)


def each(finding: Callable[[Row], Finding]) -> Findings:
    """One finding for each row."""
    return lambda rows: map(finding, rows)


def edge_finding(
    name: str,
    code: Code,
    row: Row,
    message: str,
    *,
    evidence: Iterable[str] = (),
    more: Mapping[str, object] | None = None,
    subject: str | None = None,
    severity: Severity | None = None,
    side: Side | None = None,
    at: str | None = None,
    path: str | None = None,
    next_step: str | None = None,
    identity: tuple[str, ...] = (),
) -> Finding:
    """A finding about the edge of a row that has `caller`, `callee`, `first_seen` and `last_seen`.

    Args:
        name: the analyzer.
        code: what it is.
        row: the row; `caller` may be missing, then all callers are meant.
        message: one sentence with the numbers that matter.
        evidence: columns of the row to keep.
        more: further evidence, JSON values.
        subject: what it is about; default: the edge.
        severity: default: the code's, but information where the traffic spans less than `LASTING`.
        side: who has to change something.
        at: the object to change, `Kind/namespace/name`.
        path: the place in it.
        next_step: default: what the code's documentation says.
        identity: tells findings of one code on one edge apart.
    """
    caller, callee = row.get("caller"), row["callee"]
    about = subject or (f"{caller} -> {callee}" if caller else callee)
    first, last = row["first_seen"], row["last_seen"]
    if severity is None:
        severity = code.severity if last - first >= LASTING else "info"
    kept = {column: _json(row[column]) for column in evidence}
    return Finding(
        analyzer=name,
        code=code.code,
        severity=severity,
        subject=about,
        message=message,
        fingerprint=fingerprint(code.code, about, row.get("caller_namespace") or "", *identity),
        evidence={**kept, **(more or {})},
        first_seen=first,
        last_seen=last,
        side=side,
        object=at,
        path=path,
        edges=(Edge(caller, callee),) if caller else (),
        next_step=next_step,
    )


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent, as messages say it: `4.2 %`."""
    value = 100 * part / whole if whole else 0.0
    return f"{value:.1f} %" if value < 10 else f"{value:.0f} %"  # two significant digits


def _json(value: object) -> object:
    """DuckDB gives maps as lists of pairs."""
    if isinstance(value, list) and value and all(isinstance(item, tuple) for item in value):
        return dict(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value
