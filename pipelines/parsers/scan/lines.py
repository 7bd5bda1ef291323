"""What all scans of lines need: where lines are, whether bytes are equal, whether they are text.

Buffers have 64 bytes behind their data: 32 bytes are loaded at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import different, either, lowest

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
def utf8_ok(data: NDArray[np.uint8], at: int, end: int) -> bool:  # noqa: C901  # RFC 3629's table, row by row
    """Whether bytes are UTF-8 without control bytes."""
    while at < end:
        first = int(data[at])
        if first < 0x80:
            if first < 0x20:
                return False
            at += 1
            continue
        low, high = 0x80, 0xBF
        if 0xC2 <= first <= 0xDF:
            more = 1
        elif 0xE0 <= first <= 0xEF:
            more = 2
            if first == 0xE0:
                low = 0xA0
            elif first == 0xED:
                high = 0x9F
        elif 0xF0 <= first <= 0xF4:
            more = 3
            if first == 0xF0:
                low = 0x90
            elif first == 0xF4:
                high = 0x8F
        else:
            return False
        if at + more >= end or not low <= data[at + 1] <= high:
            return False
        for place in range(at + 2, at + more + 1):
            if not 0x80 <= data[place] <= 0xBF:
                return False
        at += more + 1
    return True
