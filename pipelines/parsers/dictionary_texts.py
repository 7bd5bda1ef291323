"""Columns of text: codes and a dictionary while few of a column's texts are distinct, plain strings from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipelines.parsers.scan.dictionaries import NULL, TOO_MANY, encode_columns
from pipelines.parsers.value_columns import texts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipelines.parsers.value_columns import Values

#: The type of a column as long as it has a dictionary.
ENCODED: Final = pa.dictionary(pa.int32(), pa.string())

#: Distinct texts at most: so many in any case, one in four rows beyond, and so many in all.
_FEW: Final = 4096
_ONE_IN: Final = 4
_MOST: Final = 1 << 15
_BYTES: Final = 1 << 20
_SLACK: Final = 32


class DictionaryTexts:
    """Texts of some columns, block by block."""

    def __init__(self, fields: Sequence[int]) -> None:
        """`fields`: the columns' places among the values that are added."""
        columns = len(fields)
        self._fields = np.array(fields, np.int64)
        self._rows = 0
        self._counts = np.zeros(columns, np.int64)
        self._slots = np.zeros((columns, 2 * _MOST), np.int32)
        self._offsets = np.zeros((columns, _MOST + 1), np.int32)
        self._texts = np.empty((columns, _BYTES + _SLACK), np.uint8)
        self._codes: list[NDArray[np.int32]] = []
        self._plain: dict[int, list[pa.Array]] = {}

    def add(self, values: Values) -> None:
        """Add a block's values; `-` is null."""
        rows = values.starts.shape[1]
        self._rows += rows
        before = self._counts.copy()
        codes = np.empty((len(self._fields), rows), np.int32)
        encode_columns(
            values.data,
            self._fields,
            values.starts,
            values.ends,
            self._slots,
            self._offsets,
            self._texts,
            self._counts,
            min(_MOST, _FEW + self._rows // _ONE_IN),
            codes,
        )
        for column in np.flatnonzero((self._counts == TOO_MANY) & (before != TOO_MANY)).tolist():
            dictionary = self._dictionary(column, int(before[column]))
            self._plain[column] = [dictionary.take(_indices(block[column])) for block in self._codes]
        for column, texts in self._plain.items():
            texts.append(texts_of(values, int(self._fields[column]), keep_dash=False))
        self._codes.append(codes)

    def finish(self) -> list[pa.ChunkedArray]:
        """The whole columns, each of type `ENCODED` or strings."""
        codes = np.concatenate([np.empty((len(self._fields), 0), np.int32), *self._codes], axis=1)
        return [self._finished(column, codes[column]) for column in range(len(self._fields))]

    def _finished(self, column: int, codes: NDArray[np.int32]) -> pa.ChunkedArray:
        if column in self._plain:
            return pa.chunked_array(self._plain[column], pa.string())
        dictionary = self._dictionary(column, int(self._counts[column]))
        encoded = pa.DictionaryArray.from_arrays(_indices(codes), dictionary, safe=False)
        return pa.chunked_array([encoded], ENCODED)

    def _dictionary(self, column: int, count: int) -> pa.Array:
        offsets = self._offsets[column, : count + 1].copy()
        texts = self._texts[column, : offsets[-1]].copy()
        return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(texts)])


def _indices(codes: NDArray[np.int32]) -> pa.Array:
    there = codes != NULL
    bits = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(pa.int32(), len(codes), [bits, pa.py_buffer(codes)])
