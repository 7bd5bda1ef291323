"""Which of many texts may hold a credential, told from pairs of neighbouring bytes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pipelines.parsers.scan.compiled import compiled

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


@compiled
def _suspects(
    data: NDArray[np.uint8], offsets: NDArray[np.int32], is_pair: NDArray[np.uint8], found: NDArray[np.int64]
) -> int:
    count = 0
    for row in range(len(offsets) - 1):
        hit = np.uint8(0)
        before = np.int64(0)
        for i in range(offsets[row], offsets[row + 1]):
            byte = np.int64(data[i])
            hit |= is_pair[before << 8 | byte]
            before = byte
        if hit:
            found[count] = row
            count += 1
    return count


@cache
def _table(pairs: tuple[str, ...]) -> NDArray[np.uint8]:
    table = np.zeros(1 << 16, np.uint8)
    for pair in pairs:
        for one in {pair[0].lower(), pair[0].upper()}:
            for other in {pair[1].lower(), pair[1].upper()}:
                table[ord(one) << 8 | ord(other)] = 1
    return table


def suspects(texts: pa.Array, pairs: tuple[str, ...]) -> NDArray[np.int64]:
    """The positions of strings that hold one of `pairs` of ASCII characters, upper or lower case."""
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    found = np.empty(len(texts), np.int64)
    count = _suspects(np.frombuffer(data or b"", np.uint8), bounds, _table(pairs), found)
    return found[:count]
