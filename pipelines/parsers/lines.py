"""Lines of a chunk as arrays of positions, found by numpy: no Python object per line.

A chunk is walked in blocks of whole lines, so that the memory a parser needs beside its result does not grow with the
chunk, and 32-bit Arrow offsets always suffice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.schemas import REJECT_FIELDS, REJECT_RAW_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK_BYTES = 4 << 20

#: A record longer than this is rejected unread. Envoy's own limit on request headers is 60 KiB (96 KiB at most).
MAX_RECORD_BYTES = 1 << 20

TOO_LONG = f"record is longer than {MAX_RECORD_BYTES} bytes"

_NEWLINE = ord("\n")
_CARRIAGE_RETURN = ord("\r")
_BLANK_BYTES = np.frombuffer(b" \t\r", np.uint8)


@dataclass(frozen=True, slots=True)
class Lines:
    r"""The lines of one block that are not blank.

    `starts` and `ends` (int64; a line ends before its `\n` or `\r\n`) are positions in `data`, ascending; `offset` is
    the place of `data` in the decompressed source.
    """

    data: memoryview
    offset: int
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def bytes_array(self) -> NDArray[np.uint8]:
        """The block's bytes, without a copy."""
        return np.frombuffer(self.data, np.uint8)

    def select(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Lines:
        """Only the lines that a mask or ascending indices choose."""
        return Lines(self.data, self.offset, self.starts[chosen], self.ends[chosen])

    def to_arrow(self) -> pa.Array:
        """One binary value a line, newline left out."""
        return slices(pa.py_buffer(self.data), self.starts, self.ends)


def read_lines(chunk: bytes, base_offset: int) -> Iterator[Lines]:
    """The chunk's non-blank lines, block by block. A line of more than `BLOCK_BYTES` is a block of its own.

    A blank line holds nothing but spaces, tabs and carriage returns. The last line may lack its newline.
    """
    view = memoryview(chunk)
    start = 0
    while start < len(chunk):
        end = _block_end(chunk, start)
        yield _lines_of(view[start:end], base_offset + start)
        start = end


def _block_end(chunk: bytes, start: int) -> int:
    if len(chunk) - start <= BLOCK_BYTES:
        return len(chunk)
    end = chunk.rfind(b"\n", start, start + BLOCK_BYTES)
    if end < 0:
        end = chunk.find(b"\n", start + BLOCK_BYTES)
    return len(chunk) if end < 0 else end + 1


def _lines_of(data: memoryview, offset: int) -> Lines:
    values = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(values == _NEWLINE)
    if values[-1] != _NEWLINE:
        ends = np.append(ends, len(values))
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    ends = ends - ((values[ends - 1] == _CARRIAGE_RETURN) & (ends > starts))
    kept = ends > starts
    suspects = np.flatnonzero(kept)
    suspects = suspects[np.isin(values[starts[suspects]], _BLANK_BYTES)]
    if len(suspects):
        texts = slices(pa.py_buffer(data), starts[suspects], ends[suspects])
        kept[suspects] = ~as_mask(pc.match_substring_regex(texts, pattern=r"\A[ \t\r]*\z"))
    return Lines(data, offset, starts[kept], ends[kept])


def slices(
    data: pa.Buffer,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    kind: pa.DataType | None = None,
    null: NDArray[np.bool_] | None = None,
) -> pa.Array:
    """Copies `data[start:end]` of each row into an array of `kind` (binary); null where `null`.

    Rows ascend and do not overlap. Every other value of an array whose offsets are all starts and ends is a wanted
    slice; taking those is one pass of Arrow's own copying code. The bytes are not validated.
    """
    kind = kind or pa.binary()
    rows = len(starts)
    if rows == 0:
        return pa.array([], kind)
    offsets = np.empty(2 * rows, np.int32)
    offsets[0::2] = starts
    offsets[1::2] = ends
    pieces = pa.Array.from_buffers(kind, 2 * rows - 1, [None, pa.py_buffer(offsets), data])
    return pieces.take(pa.array(np.arange(0, 2 * rows, 2, dtype=np.int32), mask=null))


def as_mask(array: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    """A boolean Arrow array as a numpy mask; null counts as false."""
    filled = pc.fill_null(array, False)
    mask: NDArray[np.bool_] = filled.to_numpy(zero_copy_only=False)
    return mask


def reject_lines(lines: Lines, reasons: pa.Array) -> pa.Table:
    """A table of `REJECT_FIELDS`, one row a line, `reasons` in the same order."""
    lengths = lines.ends - lines.starts
    cut = lines.starts + np.minimum(lengths, REJECT_RAW_LIMIT)
    return pa.table(
        [
            pa.array(lines.offset + lines.starts, pa.int64()),
            reasons,
            slices(pa.py_buffer(lines.data), lines.starts, cut),
            pa.array(lengths, pa.int64()),
        ],
        schema=REJECT_FIELDS,
    )
