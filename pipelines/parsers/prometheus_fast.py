"""A text exposition by the compiled scan; lines that it leaves alone are read by the exact grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.columns import TIMESTAMP
from pipelines.parsers.hard_numbers import doubles
from pipelines.parsers.prometheus_columns import (
    FAMILY_LENGTH,
    HARDS,
    KIND,
    KINDS,
    LABELS,
    ROWS,
    SLOW,
    TABLES,
    TYPE_AT,
    padded,
)
from pipelines.parsers.prometheus_exact import Dialect, ExactReader, Family
from pipelines.parsers.prometheus_kernel import HAS_TIME, IS_OPEN_METRICS, IS_PLAIN, scan_exposition
from pipelines.parsers.prometheus_lines import UNKNOWN_TYPES, read_type
from pipelines.parsers.result import Parsed, completed, reject_table
from pipelines.schemas import METRIC_SAMPLE_FIELDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.parsers.prometheus_columns import Columns

_KIND_NAMES: Final = pa.array(KINDS, pa.string())


def parse_block(block: bytes, offset: int, family: Family, dialect: Dialect, columns: Columns) -> tuple[Parsed, Family]:
    """Read whole lines, no more than there is room for.

    Returns:
        What they hold, and the TYPE line that holds for the lines behind them.
    """
    data = padded(block)
    reader = ExactReader(dialect)
    flags = HAS_TIME if dialect.observed_us is not None else 0
    flags |= IS_OPEN_METRICS if dialect.is_open_metrics else 0
    flags |= IS_PLAIN if block.isascii() and b"\\" not in block else 0
    columns.counts[:] = 0
    position = done = 0
    while position < len(block):
        name = family.name.encode()
        kind = 0 if family.kind in UNKNOWN_TYPES else KINDS.index(family.kind)
        columns.counts[[TYPE_AT, FAMILY_LENGTH, KIND]] = -1, len(name), kind
        observed_us = dialect.observed_us or 0
        position = scan_exposition(data, position, len(block), padded(name), observed_us, flags, TABLES, columns)
        for start, end, type_at in columns.slow[done : int(columns.counts[SLOW])].tolist():
            reader.read(block[start:end].removesuffix(b"\r"), offset + start, _family_at(block, type_at, family))
        done = int(columns.counts[SLOW])
        family = _family_at(block, int(columns.counts[TYPE_AT]), family)
        if position < len(block):
            # A comment that is not written as the standard writes it: it may be a TYPE line all the same.
            end = _line_end(block, position)
            family = reader.read(block[position:end].removesuffix(b"\r"), offset + position, family)
            position = end + 1
    rows = _table(block, offset, columns)
    exact = reader.table()
    if exact.num_rows:
        rows = pa.concat_tables([rows, exact]).sort_by("source_offset")
    return Parsed(rows, reject_table(reader.rejects), rows.num_rows + len(reader.rejects)), family


def _line_end(block: bytes, start: int) -> int:
    newline = block.find(b"\n", start)
    return len(block) if newline < 0 else newline


def _family_at(block: bytes, type_at: int, family: Family) -> Family:
    """What the TYPE line at `type_at` says; `family` where there is none in the block."""
    if type_at < 0:
        return family
    found = read_type(block[type_at : _line_end(block, type_at)].rstrip(b"\r"))
    return family if found is None else Family(*found)


def _table(block: bytes, offset: int, columns: Columns) -> pa.Table:
    rows, labels, hards = (int(columns.counts[index]) for index in (ROWS, LABELS, HARDS))
    left = columns.hards[:hards]
    columns.values[left[:, 0]] = doubles(block, left[:, 1], left[:, 2])
    maps = pa.MapArray.from_arrays(
        pa.array(columns.label_ends[: rows + 1].copy()),
        _strings(columns.key_ends[: labels + 1], columns.keys),
        _strings(columns.text_ends[: labels + 1], columns.texts),
    )
    found = {
        "source_offset": pa.array(columns.offsets[:rows] + offset),
        "metric": _strings(columns.name_ends[: rows + 1], columns.names),
        "labels": maps,
        "time": pa.array(columns.times[:rows].copy()).cast(TIMESTAMP),
        "value": pa.array(columns.values[:rows].copy()),
        "metric_type": pc.take(_KIND_NAMES, pa.array(columns.kinds[:rows])),
    }
    return completed(pa.table(found), METRIC_SAMPLE_FIELDS)


def _strings(ends: NDArray[np.int32], data: NDArray[np.uint8]) -> pa.Array:
    """Strings of the bytes between ends, copied: the room is used again."""
    used = pa.py_buffer(data[: int(ends[-1])].copy())
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends.copy()), used)
