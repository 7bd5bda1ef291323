"""Texts to codes, each distinct text kept once, while there are few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import byte, copy_lanes, word
from pipelines.parsers.scan.lines import same_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.scan.lanes import Address

#: The code of a null.
NULL: Final = -1
#: What the number of a column's distinct texts becomes when they are too many.
TOO_MANY: Final = -1

_DASH: Final = ord("-")
#: Texts with one hash that are looked through; whoever writes a log cannot make this slow.
_MOST_PROBES: Final = 64
# Digits of the golden ratio, and what MurmurHash3 and SplitMix64 multiply with: odd numbers without a pattern.
_FACTOR, _LENGTH, _LAST = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x94D049BB133111EB), np.uint64(0xFF51AFD7ED558CCD)
_STEP: Final = np.uint64(0xC4CEB9FE1A85EC52)
_HALF: Final = np.uint64(32)


@compiled
def _hash(address: Address, length: Address) -> np.uint64:
    """Each eight bytes are multiplied by an odd number of their own, so that no product waits for another."""
    found = np.uint64(length) * _LENGTH
    factor = _FACTOR
    at = 0
    while at + 8 <= length:
        found += np.uint64(word(address + at)) * factor
        factor += _STEP
        at += 8
    if at < length:
        mask = (np.uint64(1) << np.uint64(8 * (length - at))) - np.uint64(1)
        found += (np.uint64(word(address + at)) & mask) * factor
    return (found ^ (found >> _HALF)) * _LAST


@compiled
def _encode(
    source: Address,
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    slots: NDArray[np.int32],
    offsets: NDArray[np.int32],
    texts: NDArray[np.uint8],
    count: int,
    most: int,
    codes: NDArray[np.int32],
) -> int:
    """One column of `encode_columns`; returns how many distinct texts there now are."""
    kept = np.int64(texts.ctypes.data)
    wrap = len(slots) - 1
    room = len(texts) - 32
    for row in range(len(starts)):
        start = source + starts[row]
        length = np.int64(ends[row]) - np.int64(starts[row])
        if length == 1 and byte(start) == _DASH:
            codes[row] = NULL
            continue
        slot = np.int64(_hash(start, length) >> _HALF) & wrap
        probes = 0
        while True:
            code = np.int64(slots[slot]) - 1
            if code < 0:
                at = np.int64(offsets[count])
                if count >= most or at + length > room:
                    return TOO_MANY
                for done in range(0, length, 32):
                    copy_lanes(kept + at + done, start + done)
                offsets[count + 1] = at + length
                codes[row] = count
                count += 1
                slots[slot] = count
                break
            at = np.int64(offsets[code])
            if offsets[code + 1] - at == length and same_bytes(start, kept + at, length):
                codes[row] = code
                break
            probes += 1
            if probes > _MOST_PROBES:
                return TOO_MANY
            slot = (slot + 1) & wrap
    return count


@compiled
def encode_columns(
    data: NDArray[np.uint8],
    fields: NDArray[np.int64],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    slots: NDArray[np.int32],
    offsets: NDArray[np.int32],
    texts: NDArray[np.uint8],
    counts: NDArray[np.int64],
    most: int,
    codes: NDArray[np.int32],
) -> None:
    """Give each text of some columns its code, `-` that of a null.

    `fields` are the columns' places in `starts` and `ends`. A row of each of the others is one column's: `slots` (a
    power of two of them, 0 where free, otherwise a code and one), `offsets` and `texts` hold the distinct texts so far,
    `texts` with 32 bytes of room behind; `counts` is how many there are, and becomes `TOO_MANY` where there would be
    more than `most`, where there is no room, or where too many have one hash: `codes` are then of no use.
    """
    source = np.int64(data.ctypes.data)
    for column in range(len(fields)):
        if counts[column] == TOO_MANY:
            continue
        field = fields[column]
        counts[column] = _encode(
            source,
            starts[field],
            ends[field],
            slots[column],
            offsets[column],
            texts[column],
            counts[column],
            most,
            codes[column],
        )
