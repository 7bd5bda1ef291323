"""A chunk's lines in blocks for compiled scans, which load 32 bytes at a time and must not read past its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.lines import Lines
from pipelines.parsers.scan.lines import split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK_LINES: Final = 4096
_PADDING: Final = 64


def line_blocks(chunk: bytes, base_offset: int) -> Iterator[Lines]:
    """The lines that are not blank, as `lines.read_lines` has them; at least 64 bytes of `data` are behind each block.

    Only the chunk's last lines are copied, for nothing stands behind them.
    """
    whole = chunk.rfind(b"\n", 0, max(0, len(chunk) - _PADDING)) + 1
    yield from _blocks(np.frombuffer(chunk, np.uint8), whole, base_offset)
    rest = np.zeros(len(chunk) - whole + _PADDING, np.uint8)
    rest[: len(chunk) - whole] = np.frombuffer(chunk, np.uint8)[whole:]
    rest.flags.writeable = False  # one kind of array, one compiled function
    yield from _blocks(rest, len(chunk) - whole, base_offset + whole)


def _blocks(data: NDArray[np.uint8], size: int, base_offset: int) -> Iterator[Lines]:
    begin = 0
    while begin < size:
        starts, ends = np.empty(BLOCK_LINES, np.int64), np.empty(BLOCK_LINES, np.int64)
        count, following = split_lines(data, begin, size, starts, ends)
        if count:
            yield Lines(data[begin:].data, base_offset + begin, starts[:count] - begin, ends[:count] - begin)
        begin = following
