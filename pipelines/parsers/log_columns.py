"""Access-log columns from values by key, a column at a time: the same rules as `log_layout.read_record` has for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.columns import LABELS
from pipelines.parsers.lines import as_mask
from pipelines.parsers.log_layout import fault_of
from pipelines.parsers.log_values import InvalidRecordError
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pipelines.parsers.log_layout import Key, Layout

_COLUMNS: Final = [field for field in ACCESS_LOG_FIELDS if field.name != "attributes"]


class LogColumns:
    """Columns of `count` records, filled from keys; what fills none is kept among the attributes."""

    __slots__ = ("_attributes", "_columns", "_has_outcome", "count", "faults")

    def __init__(self, count: int, filled: Mapping[str, pa.Array] | None = None) -> None:
        """`filled` are columns, in their own types, that are known already."""
        self.count = count
        self._columns = {field.name: pa.nulls(count, field.type) for field in _COLUMNS} | dict(filled or {})
        self._attributes: dict[str, pa.Array] = {}
        #: Why each record is none, "" where it is one.
        self.faults = np.full(count, "", np.object_)
        self._has_outcome = as_mask(
            pc.or_(pc.is_valid(self._columns["response_code"]), pc.is_valid(self._columns["response_flags"]))
        )

    def fill(self, found: Mapping[str, pa.Array], layout: Layout) -> None:
        """Put values (one array of strings a key, null where a record lacks it) into what is still empty."""
        keys = [(layout.key(path), path) for path in found]
        ranked = sorted(((key.rank, key, path) for key, path in keys if key), key=lambda entry: entry[0])
        for key, path in keys:
            if key is None:
                self.keep(path, found[path])
        for _, key, path in ranked:
            self._fill(key, path, found[path])

    def keep(self, path: str, texts: pa.Array) -> None:
        """Keep values among the attributes. Of one path the last are kept."""
        said = _no_dash(texts)
        if said.null_count == self.count:
            return
        before = self._attributes.get(path)
        self._attributes[path] = said if before is None else pc.coalesce(said, before)

    def require(self, *, outcome: bool) -> None:
        """Find fault with records that lack a start time or, where `outcome`, both code and flags."""
        self._mark(as_mask(pc.is_null(self._columns["start_time"])), "no start_time")
        if outcome:
            self._mark(~self._has_outcome, "neither response_code nor response_flags")

    def fill_empty(self, column: str, values: pa.Array) -> None:
        """Put typed values into a column where it is still null."""
        self._columns[column] = pc.coalesce(self._columns[column], values)

    def table(self, offsets: NDArray[np.int64], schema: pa.Schema) -> pa.Table:
        """The columns of the records without a fault, `source_offset` (of all records: `offsets`) before them."""
        arrays = [pa.array(offsets), *(self._columns[field.name] for field in _COLUMNS), self.attributes()]
        good = self.faults == ""
        if good.all():
            return pa.table(arrays, schema=schema)
        kept = pa.array(good)
        return pa.table([array.filter(kept) for array in arrays], schema=schema)

    def attributes(self) -> pa.Array:
        """What fills no column: a map a record, null where there is nothing, keys in order."""
        if not self._attributes:
            return pa.nulls(self.count, LABELS)
        names = sorted(self._attributes)
        arrays = [self._attributes[name] for name in names]
        there = np.stack([as_mask(pc.is_valid(array)) for array in arrays])
        record, which = np.nonzero(there.T)
        values = pa.concat_arrays(arrays).take(pa.array(which * self.count + record))
        keys = pa.array(names, pa.string()).take(pa.array(which))
        sizes = there.sum(axis=0)
        offsets = np.zeros(self.count + 1, np.int32)
        np.cumsum(sizes, out=offsets[1:])
        absent = np.append(sizes == 0, False)
        return pa.MapArray.from_arrays(pa.array(offsets, mask=absent if absent.any() else None), keys, values)

    def _fill(self, key: Key, path: str, texts: pa.Array) -> None:
        if key.column == "response_flags":
            # Flags of `-` say that all went well: an outcome.
            self._has_outcome |= as_mask(pc.is_valid(texts))
        texts = _no_dash(texts)
        if texts.null_count == self.count:
            return
        kind = self._columns[key.column].type
        values, invalid = converted(key, path, texts, kind)
        if key.certain:
            for fault in np.unique(invalid[invalid != ""]):
                self._mark(invalid == fault, fault)
        before = self._columns[key.column]
        self._columns[key.column] = pc.coalesce(before, values)
        differs = as_mask(pc.not_equal(before, values)) | (invalid != "")
        if key.divisor != 1:
            differs |= as_mask(pc.is_valid(values))
        if differs.any():
            self.keep(path, pc.if_else(pa.array(differs), texts, pa.scalar(None, pa.string())))
        if key.column == "response_code":
            self._has_outcome |= as_mask(pc.is_valid(values))

    def _mark(self, bad: NDArray[np.bool_], reason: str) -> None:
        self.faults[bad & (self.faults == "")] = reason


def converted(key: Key, path: str, texts: pa.Array, kind: pa.DataType) -> tuple[pa.Array, NDArray[np.object_]]:
    """A column's values from their texts, and what is wrong with each ("" where nothing is, and the value null)."""
    encoded = texts.dictionary_encode()
    values: list[int | str | None] = []
    faults: list[str] = []
    for text in encoded.dictionary.to_pylist():
        try:
            values.append(key.read(text))
            faults.append("")
        except InvalidRecordError as error:
            values.append(None)
            faults.append(fault_of(path, error))
    codes = encoded.indices.fill_null(len(faults)).to_numpy(zero_copy_only=False)
    by_code = np.array([*faults, ""], np.object_)
    return pa.array([*values, None], kind).take(pa.array(codes)), by_code[codes]


def _no_dash(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, "-"), pa.scalar(None, pa.string()), texts)
