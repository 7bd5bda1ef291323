"""Kinds of columns and what a lake table is; the tables themselves are in `pipelines/schemas.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")
LABELS = pa.map_(pa.string(), pa.string())
_EDGE: Final = pa.struct([pa.field("caller", pa.string()), pa.field("callee", pa.string())])

#: A histogram with bounds of its own: `counts[i]` observations were at most `bounds[i]` and above the bound before.
HISTOGRAM = pa.struct(
    [
        pa.field("count", pa.float64()),
        pa.field("sum", pa.float64()),
        pa.field("bounds", pa.list_(pa.float64())),
        pa.field("counts", pa.list_(pa.float64())),
    ]
)

#: A single observation that a sample remembers, with the trace it belongs to.
EXEMPLAR = pa.struct(
    [
        pa.field("time", TIMESTAMP),
        pa.field("value", pa.float64()),
        pa.field("trace_id", pa.string()),
        pa.field("span_id", pa.string()),
        pa.field("labels", LABELS),
    ]
)

_KINDS: Final[dict[str, pa.DataType]] = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "int32s": pa.list_(pa.int32()),
    "int64s": pa.list_(pa.int64()),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "time": TIMESTAMP,
    "labels": LABELS,
    "counts": pa.map_(pa.string(), pa.int64()),
    "edges": pa.list_(_EDGE),
    "histogram": HISTOGRAM,
    "exemplars": pa.list_(EXEMPLAR),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A lake table: its Delta name, Arrow schema (partition columns included) and partition columns."""

    name: str
    schema: pa.Schema
    partition_by: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self.schema.names)


def columns_of(*lines: str) -> list[pa.Field]:
    """Columns from lines such as `text!: source format`: a kind, `!` where they may not be null, and their names."""
    fields: list[pa.Field] = []
    for line in lines:
        kind, _, names = line.partition(":")
        data_type = _KINDS[kind.removesuffix("!")]
        fields += [pa.field(name, data_type, nullable=not kind.endswith("!")) for name in names.split()]
    return fields


def table(name: str, *columns: str | pa.Schema) -> Table:
    """A lake table of lines as `columns_of` takes them and of schemas; one with a `date` is partitioned by it."""
    fields: list[pa.Field] = []
    for part in columns:
        fields += columns_of(part) if isinstance(part, str) else list(part)
    schema = pa.schema(fields)
    return Table(name, schema, ("date",) if "date" in schema.names else ())
