"""A trace as nested bars: spans under their parents, with each span's own time and what does not fit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dashboards.models.rows import Row


@dataclass(frozen=True, slots=True)
class Bar:
    """One span. Times are milliseconds from the trace's start; `gaps` are the parts of the span in which no child ran.

    `note` says where the recording is incomplete or its clocks differ: the parent is missing, or the span lies
    outside its parent.
    """

    row: Row
    depth: int
    start_ms: float
    duration_ms: float
    gaps: tuple[tuple[float, float], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class SpanTree:
    """Bars in reading order and the trace's duration in milliseconds."""

    bars: tuple[Bar, ...]
    duration_ms: float


def span_tree(rows: Sequence[Row]) -> SpanTree:
    """Nest spans by `parent_span_id`.

    Spans whose parent is not among `rows` are roots, and say so unless they have no parent at all. Spans that name each
    other as parents hang below the earliest of them. A child's time beyond its parent's does not count as covered.

    Args:
        rows: Spans with `span_id`, `parent_span_id`, `start_time`, `end_time`; any order.
    """
    if not rows:
        return SpanTree((), 0.0)
    ordered = sorted(rows, key=lambda row: (_start(row), str(row["span_id"])))
    known = {str(row["span_id"]) for row in ordered}
    children: dict[str, list[Row]] = defaultdict(list)
    roots: list[Row] = []
    for row in ordered:
        parent = row["parent_span_id"]
        if parent is None or str(parent) not in known or parent == row["span_id"]:
            roots.append(row)
        else:
            children[str(parent)].append(row)
    first = _start(ordered[0])
    last = max(_end(row) for row in ordered)
    bars: list[Bar] = []
    seen: set[str] = set()
    for start in (*roots, *ordered):  # what no root reaches is in a circle of parents
        stack: list[tuple[Row, int, Row | None]] = [(start, 0, None)]
        while stack:
            row, depth, parent_row = stack.pop()
            identity = str(row["span_id"])
            if identity in seen:
                continue
            seen.add(identity)
            below = children.get(identity, [])
            bars.append(_bar(row, depth, parent_row, below, first))
            stack.extend((child, depth + 1, row) for child in reversed(below))
    return SpanTree(tuple(bars), _milliseconds(first, last))


def _bar(row: Row, depth: int, parent: Row | None, children: Iterable[Row], first: datetime) -> Bar:
    start, end = _milliseconds(first, _start(row)), _milliseconds(first, _end(row))
    note = ""
    if parent is None and row["parent_span_id"] is not None:
        note = "parent span not recorded"
    elif parent is not None and (_start(row) < _start(parent) or _end(row) > _end(parent)):
        note = "outside its parent: clocks differ, or the parent did not wait"
    covered = sorted(
        (max(start, _milliseconds(first, _start(child))), min(end, _milliseconds(first, _end(child))))
        for child in children
    )
    return Bar(row, depth, start, max(0.0, end - start), _gaps(start, end, covered) if covered else (), note)


def _gaps(start: float, end: float, covered: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    gaps: list[tuple[float, float]] = []
    at = start
    for begin, until in covered:
        if begin > at:
            gaps.append((at, begin))
        at = max(at, until)
    if at < end:
        gaps.append((at, end))
    return tuple(gaps)


def _start(row: Row) -> datetime:
    return _moment(row, "start_time")


def _end(row: Row) -> datetime:
    return _moment(row, "end_time")


def _moment(row: Row, name: str) -> datetime:
    value = row[name]
    if not isinstance(value, datetime):
        raise TypeError(f"a span's {name} is {value!r}")
    return value


def _milliseconds(first: datetime, then: datetime) -> float:
    return (then - first).total_seconds() * 1000
