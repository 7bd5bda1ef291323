"""What all scans of lines need: where lines are, whether bytes are equal, whether they are text.

Buffers have 64 bytes behind their data: 32 bytes are loaded at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import different, either, lowest
from pipelines.parsers.scan.memory import address
from pipelines.parsers.scan.stretches import character_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.scan.lanes import Address

_FARTHEST: Final = 64 << 20
_NEWLINE, _RETURN, _SPACE, _TAB = 10, 13, 32, 9


@compiled
def split_lines(
    data: NDArray[np.uint8], begin: int, end: int, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[int, int]:
    r"""Fill in where lines that are not blank start and end (before `\n` or `\r\n`), as many as there is room for.

    Returns how many, and where the first line after them starts. All start within 64 MiB.
    """
    address = np.int64(data.ctypes.data)
    count = 0
    at = begin
    while at < end and count < len(starts) and at - begin < _FARTHEST:
        stop = at
        while True:
            mask = either(address + stop, np.uint8(_NEWLINE), np.uint8(_NEWLINE))
            if mask != 0:
                stop += lowest(mask)
                break
            stop += 32
            if stop >= end:
                break
        stop = min(stop, end)
        last = stop
        if last > at and data[last - 1] == _RETURN:
            last -= 1
        first = at
        while first < last and (data[first] == _SPACE or data[first] == _TAB or data[first] == _RETURN):
            first += 1
        if first < last:
            starts[count] = at
            ends[count] = last
            count += 1
        at = stop + 1
    return count, min(at, end)


@compiled
def same_bytes(first: Address, second: Address, length: Address) -> bool:
    """Whether two stretches of bytes are equal; up to 31 bytes behind them are looked at."""
    done = 0
    while done + 32 <= length:
        if different(first + done, second + done) != 0:
            return False
        done += 32
    left = length - done
    if left == 0:
        return True
    mask = (np.uint32(1) << np.uint32(left)) - np.uint32(1)
    return bool((different(first + done, second + done) & mask) == 0)


@compiled
def utf8_ok(data: NDArray[np.uint8], at: int, end: int) -> bool:
    """Whether bytes are UTF-8 without control bytes."""
    while at < end:
        if data[at] < _SPACE:
            return False
        length = character_length(address(data), at, end)
        if length == 0:
            return False
        at += length
    return True
