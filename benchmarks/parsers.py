"""Access-log parsers against what one would write in plain Python, on one thread, each to the same Arrow table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from benchmarks.generated_logs import generate_logs
from benchmarks.result import Result, median_seconds
from pipelines.parsers.istio_json import parse_istio_json
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.text_fields import ISTIO_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipelines.parsers.result import Parsed

    Peer = Callable[[bytes], pa.Table]

LINES = 60_000
TEXT_GOAL = 3.0
JSON_GOAL = 1.5

_NUMBERS = frozenset(field.name for field in ISTIO_FIELDS if pa.types.is_integer(field.type))
_KEYS = tuple(name.removesuffix("_ms") for name in ISTIO_FIELDS.names)
_LINE = re.compile(
    rb'\[(\S+)\] "(\S+) (.*?) (\S+)" (\d+) (\S+) (\S+) (\S+) "(.*?)" (\d+) (\d+) (\d+|-) (\d+|-)'
    rb' "(.*?)" "(.*?)" "(.*?)" "(.*?)" "(.*?)" (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\n?'
)
_RECORD = msgspec.defstruct("_RECORD", [(key, str | int | None, None) for key in _KEYS], gc=False)


def benchmarks() -> list[Result]:
    """Text against `re` per line, JSON against msgspec per line; the tables of both sides are first found equal."""
    logs = generate_logs(LINES)
    return [
        _compare("istio_text", "Istio text log against re per line", TEXT_GOAL, logs.text, parse_istio_text, by_re),
        _compare("istio_json", "JSON log against msgspec per line", JSON_GOAL, logs.json, parse_istio_json, by_msgspec),
    ]


def by_re(log: bytes) -> pa.Table:
    """Text lines by one regular expression each."""
    rows = (matched.groups() for line in log.splitlines(keepends=True) if (matched := _LINE.fullmatch(line)))
    return _table([None if value == b"-" else value.decode() for value in column] for column in zip(*rows, strict=True))


def by_msgspec(log: bytes) -> pa.Table:
    """JSON lines by a typed decoder, one line at a time."""
    decoder = msgspec.json.Decoder(_RECORD)
    records = [decoder.decode(line) for line in log.splitlines()]
    return _table([_null_dash(getattr(record, key)) for record in records] for key in _KEYS)


def _null_dash(value: str | int | None) -> str | int | None:
    return None if value == "-" else value


def _table(columns: Iterable[Sequence[str | int | None]]) -> pa.Table:
    """The columns, in the order of `ISTIO_FIELDS`, in its types."""
    arrays = []
    for field, column in zip(ISTIO_FIELDS, columns, strict=True):
        values = [None if value is None else int(value) for value in column] if field.name in _NUMBERS else column
        arrays.append(pa.array(values, None if pa.types.is_timestamp(field.type) else field.type).cast(field.type))
    return pa.table(arrays, schema=ISTIO_FIELDS)


def _compare(
    name: str, compared: str, goal: float, log: bytes, parse: Callable[[bytes, int], Parsed], peer: Peer
) -> Result:
    ours = parse(log, 0).accepted.select(ISTIO_FIELDS.names).cast(ISTIO_FIELDS).combine_chunks()
    if not ours.equals(peer(log).combine_chunks()):
        raise RuntimeError(f"{name}: the two sides read different rows, so that their speeds cannot be compared")
    seconds = median_seconds({"ours": lambda: parse(log, 0), "peer": lambda: peer(log)})
    return Result(
        name=name,
        compared=compared,
        ratio=seconds["peer"] / seconds["ours"],
        goal=goal,
        medians={f"{side}_mb_per_second": len(log) / 1e6 / value for side, value in seconds.items()},
    )
