"""Stretches of bytes, by their addresses: found, compared, copied, and checked to be UTF-8.

Arrays have 32 readable bytes behind their last, those that are written to 32 writable ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import LANES, copy_lanes, different, either, lowest, unusual
from pipelines.parsers.scan.memory import byte

if TYPE_CHECKING:
    import numpy as np


@compiled
def find(base: int, start: int, length: int, first: np.uint8, second: np.uint8) -> int:
    """Where the first of two bytes is, at or after `start`; `length` where there is none before it."""
    position = start
    while position < length:
        mask = either(base + position, first, second)
        if mask != 0:
            return min(position + lowest(mask), length)
        position += LANES
    return length


@compiled
def equal(left: int, right: int, length: int) -> bool:
    """Whether `length` bytes at two addresses are the same."""
    done = 0
    while done + LANES <= length:
        if different(left + done, right + done) != 0:
            return False
        done += LANES
    rest = length - done
    return rest == 0 or (different(left + done, right + done) & ((1 << rest) - 1)) == 0


@compiled
def copy(target: int, source: int, length: int) -> None:
    """Copy `length` bytes from one address to another, in whole vectors."""
    done = 0
    while done < length:
        copy_lanes(target + done, source + done)
        done += LANES


@compiled
def character_length(data: int, at: int, end: int) -> int:  # noqa: C901  # RFC 3629's table, row by row
    """How many bytes the UTF-8 character at `at` takes, `data` being an address; 0 where it is none, or cut off."""
    first = byte(data, at)
    if first < 0x80:
        return 1
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
        return 0
    if at + more >= end or not low <= byte(data, at + 1) <= high:
        return 0
    for place in range(at + 2, at + more + 1):
        if not 0x80 <= byte(data, place) <= 0xBF:
            return 0
    return more + 1


@compiled
def is_utf8(data: int, start: int, end: int) -> bool:
    """Whether bytes are UTF-8, control characters among them or not; `data` is an address."""
    at = start
    while at < end:
        mask = unusual(data + at)
        if mask == 0:
            at += LANES
            continue
        at += lowest(mask)
        if at >= end:
            break
        length = character_length(data, at, end)
        if length == 0:
            return False
        at += length
    return True
