"""Rows collected as tuples, turned into Arrow column by column, in batches of bounded size."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.columns import LABELS
from pipelines.parsers.limits import BATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


def map_array(maps: Sequence[Mapping[str, str | None] | None]) -> pa.Array:
    """One map, or null, a row of `LABELS`. Maps that are the same object many times over are converted once."""
    distinct: dict[int, int] = {}
    indices = [distinct.setdefault(id(entry), len(distinct)) for entry in maps]
    if len(distinct) * 2 > len(maps):
        return _distinct_map_array(maps)
    by_identity = {id(entry): entry for entry in maps}
    return repeated_maps([by_identity[identity] for identity in distinct], np.asarray(indices, np.int64))


def repeated_maps(maps: Sequence[Mapping[str, str | None] | None], indices: NDArray[np.int64]) -> pa.Array:
    """An array of `LABELS` whose row i is `maps[indices[i]]`."""
    return _distinct_map_array(maps).take(pa.array(indices))


def _distinct_map_array(maps: Sequence[Mapping[str, str | None] | None]) -> pa.Array:
    offsets = np.zeros(len(maps) + 1, np.int32)
    given = [entry for entry in maps if entry is not None]
    np.cumsum([0 if entry is None else len(entry) for entry in maps], out=offsets[1:])
    keys = pa.array(list(chain.from_iterable(given)), pa.string())
    values = pa.array(list(chain.from_iterable(entry.values() for entry in given)), pa.string())
    if len(given) == len(maps):
        return pa.MapArray.from_arrays(pa.array(offsets), keys, values)
    # An offset that is null makes a map that is null.
    absent = np.array([*(entry is None for entry in maps), False])
    return pa.MapArray.from_arrays(pa.array(offsets, mask=absent), keys, values)


class RowBatches:
    """Collects rows (tuples in the schema's order; times as microseconds, labels as mappings) into an Arrow table."""

    __slots__ = ("_pending_bytes", "_rows", "_schema", "_tables")

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[tuple[object, ...]] = []
        self._pending_bytes = 0
        self._tables: list[pa.Table] = []

    def append(self, row: tuple[object, ...], text_bytes: int) -> None:
        """Add a row whose text takes about `text_bytes`."""
        self._rows.append(row)
        self._pending_bytes += text_bytes
        if self._pending_bytes > BATCH_BYTES:
            self._flush()

    def table(self) -> pa.Table:
        """Every row appended so far."""
        self._flush()
        return pa.concat_tables(self._tables) if self._tables else self._schema.empty_table()

    def _flush(self) -> None:
        if self._rows:
            columns = zip(*self._rows, strict=True)
            arrays = [_array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
            self._tables.append(pa.table(arrays, schema=self._schema))
        self._rows = []
        self._pending_bytes = 0


def _array(column: tuple[object, ...], kind: pa.DataType) -> pa.Array:
    if kind == LABELS:
        return map_array(column)  # type: ignore[arg-type]  # a LABELS column holds mappings by the class's contract
    return pa.array(column, kind)
