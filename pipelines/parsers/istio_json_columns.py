"""JSON access-log lines that fit a template, a column at a time, by compiled code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipelines.parsers.istio_json_lines import SCHEMA
from pipelines.parsers.lines import MAX_RECORD_BYTES
from pipelines.parsers.log_columns import LogColumns, converted
from pipelines.parsers.scan.json_lines import match_lines
from pipelines.parsers.text_fields import strip_cluster_delimiter
from pipelines.parsers.value_columns import Values, counts_of, integers, texts_of, times_of, timestamps
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.json_template import Template
    from pipelines.parsers.log_layout import Key, Layout

_FIELDS: Final = {field.name: field for field in ACCESS_LOG_FIELDS}
#: Columns whose values are read from few distinct texts.
_ENUMERATED: Final = frozenset({"response_flags", "grpc_status"})
_SMALLEST_CODE, _LARGEST_CODE, _FIRST_TOO_BIG = 100, 999, 2**31


class Reader:
    """Reads lines that fit a template."""

    __slots__ = ("_alone", "_keys", "_layout", "_literals", "_offsets", "template")

    def __init__(self, template: Template, layout: Layout) -> None:
        self.template = template
        self._layout = layout
        self._literals, self._offsets = template.packed()
        self._keys = [layout.key(path) for path in template.paths]
        columns = [key.column for key in self._keys if key]
        #: Keys that alone fill their column, with the column's own values.
        self._alone = [
            key is not None and columns.count(key.column) == 1 and key.is_plain and key.column not in _ENUMERATED
            for key in self._keys
        ]

    def read(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], offset: int
    ) -> tuple[pa.Table, NDArray[np.bool_]]:
        """The rows of the lines that fit (`source_offset` counted from `offset`), and which lines those are."""
        shape = (len(self._keys), len(starts))
        value_starts, value_ends = np.empty(shape, np.int32), np.empty(shape, np.int32)
        kinds, matched = np.empty(shape, np.uint8), np.empty(len(starts), np.uint8)
        count = match_lines(
            data,
            starts,
            ends,
            self._literals,
            self._offsets,
            int(self.template.skips),
            MAX_RECORD_BYTES,
            value_starts,
            value_ends,
            kinds,
            matched,
        )
        fits = matched.view(np.bool_)
        if count == 0:
            return SCHEMA.empty_table(), fits
        values = Values(data, value_starts[:, :count], value_ends[:, :count], kinds[:, :count])
        columns = self._columns(values, count)
        lines = np.flatnonzero(fits)
        fits[lines[columns.faults != ""]] = False
        return columns.table(offset + starts[lines], SCHEMA), fits

    def _columns(self, values: Values, count: int) -> LogColumns:
        bad = np.zeros(count, np.uint8)
        filled: dict[str, pa.Array] = {}
        found: dict[str, pa.Array] = {}
        for index, (path, key, alone) in enumerate(zip(self.template.paths, self._keys, self._alone, strict=True)):
            if key is None or not alone:
                found[path] = texts_of(values, index, keep_dash=True)
            else:
                filled[key.column] = _typed(values, index, key, path, bad)
        columns = LogColumns(count, filled)
        # What a parser has to look at, is at fault here; it says why.
        columns.faults[bad.view(np.bool_)] = "unusual"
        columns.fill(found, self._layout)
        columns.require(outcome=self._layout.needs_outcome)
        return columns


def _typed(values: Values, index: int, key: Key, path: str, bad: NDArray[np.uint8]) -> pa.Array:
    field = _FIELDS[key.column]
    if pa.types.is_timestamp(field.type):
        return _times(values, index, key, path, bad)
    if pa.types.is_integer(field.type):
        return _counts(values, index, field, bad)
    texts = texts_of(values, index, keep_dash=False)
    return strip_cluster_delimiter(texts) if key.column == "upstream_cluster" else texts


def _counts(values: Values, index: int, field: pa.Field, bad: NDArray[np.uint8]) -> pa.Array:
    numbers, null = counts_of(values, index, bad)
    if field.name == "response_code":
        bad |= ((numbers != 0) & (numbers < _SMALLEST_CODE)) | (numbers > _LARGEST_CODE)
    if field.type == pa.int32():
        bad |= numbers >= _FIRST_TOO_BIG
    return integers(numbers, null, field.type)


def _times(values: Values, index: int, key: Key, path: str, bad: NDArray[np.uint8]) -> pa.Array:
    moments, others = times_of(values, index)
    if len(others) == 0:
        return timestamps(moments)
    texts = texts_of(values.select(index, others), 0, keep_dash=False)
    more, faults = converted(key, path, texts, pa.int64())
    bad[others[faults != ""]] = 1
    moments[others] = more.fill_null(0).to_numpy(zero_copy_only=False)
    absent = np.zeros(len(moments), np.bool_)
    absent[others] = ~np.asarray(more.is_valid())
    return pa.array(moments, _FIELDS[key.column].type, mask=absent)
