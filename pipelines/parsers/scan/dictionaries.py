"""Texts to codes, each distinct text kept once, while there are few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import copy_lanes, word
from pipelines.parsers.scan.lines import same_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.scan.lanes import Address

#: The code of a null.
NULL: Final = -1

_DASH: Final = 45
#: Texts with one hash that are looked through; whoever writes a log cannot make this slow.
_MOST_PROBES: Final = 64
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_MIXER: Final = np.uint64(0xFF51AFD7ED558CCD)
_HALF: Final = np.uint64(32)


@compiled
def _hash(address: Address, length: Address) -> np.uint64:
    """Multiply and fold, eight bytes at a time (after the finaliser of MurmurHash3)."""
    found = np.uint64(length) * _ODD
    at = 0
    while at + 8 <= length:
        found = (found ^ word(address + at)) * _MIXER
        found ^= found >> _HALF
        at += 8
    if at < length:
        mask = (np.uint64(1) << np.uint64(8 * (length - at))) - np.uint64(1)
        found = (found ^ (word(address + at) & mask)) * _MIXER
        found ^= found >> _HALF
    return found


@compiled
def encode_texts(
    data: NDArray[np.uint8],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    slots: NDArray[np.int32],
    offsets: NDArray[np.int32],
    texts: NDArray[np.uint8],
    count: int,
    most: int,
    codes: NDArray[np.int32],
) -> int:
    """Give each text its code, `-` that of a null; returns how many distinct texts there now are.

    `slots` (a power of two of them, 0 where free, otherwise a code and one), `offsets` and `texts` hold the `count`
    distinct texts so far, `texts` with 32 bytes of room behind. Returns -1 where there would be more than `most`, where
    there is no room, or where too many have one hash: the codes are then of no use.
    """
    source, kept = np.int64(data.ctypes.data), np.int64(texts.ctypes.data)
    wrap = len(slots) - 1
    room = len(texts) - 32
    for row in range(len(starts)):
        start = np.int64(starts[row])
        length = np.int64(ends[row]) - start
        if length == 1 and data[start] == _DASH:
            codes[row] = NULL
            continue
        slot = np.int64(_hash(source + start, length) >> _HALF) & wrap
        probes = 0
        while True:
            code = np.int64(slots[slot]) - 1
            if code < 0:
                at = np.int64(offsets[count])
                if count >= most or at + length > room:
                    return -1
                for done in range(0, length, 32):
                    copy_lanes(kept + at + done, source + start + done)
                offsets[count + 1] = at + length
                codes[row] = count
                count += 1
                slots[slot] = count
                break
            at = np.int64(offsets[code])
            if offsets[code + 1] - at == length and same_bytes(source + start, kept + at, length):
                codes[row] = code
                break
            probes += 1
            if probes > _MOST_PROBES:
                return -1
            slot = (slot + 1) & wrap
    return count
