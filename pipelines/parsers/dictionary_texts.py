"""A column of texts: codes and a dictionary while few of its texts are distinct, plain strings from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipelines.parsers.scan.dictionaries import NULL, encode_texts
from pipelines.parsers.value_columns import texts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.value_columns import Values

#: The type of a column as long as it has a dictionary.
ENCODED: Final = pa.dictionary(pa.int32(), pa.string())

#: Distinct texts at most: so many in any case, one in four rows beyond, and so many in all.
_FEW: Final = 4096
_ONE_IN: Final = 4
_MOST: Final = 1 << 15
_BYTES: Final = 2 << 20
_SLACK: Final = 32


class DictionaryTexts:
    """Texts of one column, block by block."""

    __slots__ = ("_codes", "_count", "_offsets", "_plain", "_rows", "_slots", "_texts")

    def __init__(self, *, is_distinct: bool = False) -> None:
        """`is_distinct`: hardly any text comes twice, so that a dictionary is not worth a try."""
        self._plain: list[pa.Array] | None = [] if is_distinct else None
        self._codes: list[NDArray[np.int32]] = []
        self._rows = 0
        self._count = 0
        if not is_distinct:
            self._slots = np.zeros(2 * _MOST, np.int32)
            self._offsets = np.zeros(_MOST + 1, np.int32)
            self._texts = np.empty(_BYTES + _SLACK, np.uint8)

    def add(self, values: Values, index: int) -> None:
        """Add a field's values; `-` is null."""
        if self._plain is None:
            starts, ends = values.starts[index], values.ends[index]
            codes = np.empty(len(starts), np.int32)
            self._rows += len(starts)
            most = min(_MOST, _FEW + self._rows // _ONE_IN)
            count = encode_texts(
                values.data, starts, ends, self._slots, self._offsets, self._texts, self._count, most, codes
            )
            if count >= 0:
                self._count = count
                self._codes.append(codes)
                return
            self._plain = [_decoded(one, self._dictionary()) for one in self._codes]
        self._plain.append(texts_of(values, index, keep_dash=False))

    def finish(self) -> pa.ChunkedArray:
        """The whole column, of type `ENCODED` or strings."""
        if self._plain is not None:
            return pa.chunked_array(self._plain, pa.string())
        codes = np.concatenate(self._codes) if self._codes else np.empty(0, np.int32)
        return pa.chunked_array([pa.DictionaryArray.from_arrays(_nullable(codes), self._dictionary())], ENCODED)

    def _dictionary(self) -> pa.Array:
        offsets = self._offsets[: self._count + 1].copy()
        texts = self._texts[: offsets[-1]].copy()
        return pa.Array.from_buffers(pa.string(), self._count, [None, pa.py_buffer(offsets), pa.py_buffer(texts)])


def _nullable(codes: NDArray[np.int32]) -> pa.Array:
    null = codes == NULL
    return pa.array(codes, mask=null if null.any() else None)


def _decoded(codes: NDArray[np.int32], dictionary: pa.Array) -> pa.Array:
    return dictionary.take(_nullable(codes))
