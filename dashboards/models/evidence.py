"""A finding's evidence, which is JSON of any shape, as small tables, and the requests it refers to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dashboards.models import formats

#: Rows of one table; more are counted, not shown.
MOST_ROWS: Final = 100


@dataclass(frozen=True, slots=True)
class Section:
    """One table of evidence: cells are text. `left_out` rows were too many."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests that evidence refers to: places of log lines, request ids, trace ids."""

    places: tuple[tuple[str, int], ...]
    request_ids: tuple[str, ...]
    trace_ids: tuple[str, ...]


def parsed(evidence: object) -> Mapping[str, object]:
    """The evidence column as an object; text that is none is kept as it is under `evidence`."""
    try:
        value = json.loads(str(evidence))
    except ValueError:
        return {"evidence": str(evidence)}
    return value if isinstance(value, dict) else {"evidence": value}


def sections(evidence: Mapping[str, object], title: str = "Facts") -> list[Section]:
    """Tables of the evidence: single values first, under `title`, then one table for each list or object."""
    single = tuple((words(name), text(value)) for name, value in evidence.items() if not _is_table(value))
    tables = [Section(title, ("Fact", "Value"), single)] if single else []
    tables.extend(_section(words(name), value) for name, value in evidence.items() if _is_table(value))
    return tables


def requests(evidence: Mapping[str, object]) -> Requests:
    """Everything in the evidence that names a log line (`source` with `source_offset`), a request or a trace."""
    places: dict[tuple[str, int], None] = {}
    request_ids: dict[str, None] = {}
    trace_ids: dict[str, None] = {}
    for found in _objects(evidence):
        source, offset = found.get("source"), found.get("source_offset", found.get("offset"))
        if isinstance(source, str) and isinstance(offset, int):
            places[source, offset] = None
        for singular, plural, target in (
            ("request_id", "request_ids", request_ids),
            ("trace_id", "trace_ids", trace_ids),
        ):
            many = found.get(plural)
            for value in (found.get(singular), *(many if isinstance(many, list) else ())):
                if isinstance(value, str) and value:
                    target[value] = None
    return Requests(tuple(places), tuple(request_ids), tuple(trace_ids))


def without_requests(evidence: Mapping[str, object]) -> dict[str, object]:
    """The evidence without lists of log lines alone, for a page that shows the lines themselves."""
    return {name: value for name, value in evidence.items() if not _names_lines(value)}


def words(name: str) -> str:
    """A JSON key as words, its unit in brackets: `p95_ms` is `p95 (ms)`."""
    for suffix, unit in (("_ms", "ms"), ("_seconds", "s"), ("_bytes", "bytes"), ("_percent", "%")):
        if name.endswith(suffix):
            return f"{name.removesuffix(suffix).replace('_', ' ')} ({unit})"
    return name.replace("_", " ")


def text(value: object) -> str:
    """A JSON value as a person reads it."""
    if value is None:
        return formats.NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(not isinstance(item, dict | list) for item in value):
        return ", ".join(text(item) for item in value)
    if isinstance(value, Mapping) and all(not isinstance(item, dict | list) for item in value.values()):
        return ", ".join(f"{name}: {text(item)}" for name, item in value.items())
    return json.dumps(value, ensure_ascii=False)


def _names_lines(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, Mapping) and "source" in item and "source_offset" in item for item in value)
    )


def _is_table(value: object) -> bool:
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, list) and (any(isinstance(item, Mapping) for item in value) or len(value) > 8)


def _section(title: str, value: object) -> Section:
    if isinstance(value, Mapping):
        return Section(title, ("Name", "Value"), tuple((str(name), text(item)) for name, item in value.items()))
    items = value if isinstance(value, list) else [value]
    shown = items[:MOST_ROWS]
    names = list(dict.fromkeys(name for item in shown if isinstance(item, Mapping) for name in item))
    if not names:
        return Section(title, ("Value",), tuple((text(item),) for item in shown), len(items) - len(shown))
    cells = tuple(
        tuple(text(item.get(name)) for name in names)
        if isinstance(item, Mapping)
        else (text(item),) + ("",) * (len(names) - 1)
        for item in shown
    )
    return Section(title, tuple(words(name) for name in names), cells, len(items) - len(shown))


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    pending = [value]
    while pending:
        found = pending.pop(0)
        if isinstance(found, Mapping):
            yield found
            pending.extend(found.values())
        elif isinstance(found, list):
            pending.extend(found)
