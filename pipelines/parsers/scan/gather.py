"""Texts collected by number or place, in Arrow's own layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.memory import address
from pipelines.parsers.scan.stretches import copy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ends = NDArray[np.int32]
    Numbers = NDArray[np.int64]

_SLACK: Final = 32
_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)


@compiled
def _chosen_sizes(ends: Ends, chosen: Numbers, target: Ends) -> tuple[int, int]:
    total = 0
    nulls = 0
    target[0] = 0
    for place in range(len(chosen)):
        number = chosen[place]
        if number < 0:
            nulls += 1
        else:
            total += int(ends[number + 1] - ends[number])
        target[place + 1] = total
    return total, nulls


@compiled
def _copy_chosen(source: Bytes, ends: Ends, chosen: Numbers, target: Bytes, target_ends: Ends) -> None:
    for place in range(len(chosen)):
        number = chosen[place]
        if number >= 0:
            first = int(ends[number])
            copy(address(target) + int(target_ends[place]), address(source) + first, int(ends[number + 1]) - first)


@compiled
def _copy_places(source: Bytes, starts: Numbers, target: Bytes, target_ends: Ends) -> None:
    for place in range(len(starts)):
        first = int(target_ends[place])
        copy(address(target) + first, address(source) + int(starts[place]), int(target_ends[place + 1]) - first)


@compiled
def _write_hex(source: Bytes, starts: Numbers, size: int, target: Bytes) -> None:
    at = 0
    for place in range(len(starts)):
        start = starts[place]
        for within in range(size if start >= 0 else 0):
            byte = source[start + within]
            target[at] = _HEX[byte >> 4]
            target[at + 1] = _HEX[byte & 15]
            at += 2


def gather(source: Bytes, ends: Ends, chosen: Numbers) -> pa.Array:
    """`source[ends[n]:ends[n + 1]]` for each number; null for negative ones. The source is padded by 32 bytes."""
    target_ends = np.empty(len(chosen) + 1, np.int32)
    total, nulls = _chosen_sizes(ends, chosen, target_ends)
    target = np.empty(total + _SLACK, np.uint8)
    _copy_chosen(source, ends, chosen, target, target_ends)
    return strings(target_ends, target, chosen >= 0 if nulls else None)


def texts(source: Bytes, starts: Numbers, stops: Numbers) -> pa.Array:
    """`source[start:stop]` for each place; null where the start is negative. The source is padded by 32 bytes."""
    valid = starts >= 0
    ends = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(np.where(valid, stops - starts, 0), out=ends[1:])
    target = np.empty(int(ends[-1]) + _SLACK, np.uint8)
    _copy_places(source, starts, target, ends)
    return strings(ends, target, valid)


def hexadecimal(source: Bytes, starts: Numbers, size: int) -> pa.Array:
    """`size` bytes at each place in hexadecimal; null where the start is negative."""
    valid = starts >= 0
    ends = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(np.where(valid, 2 * size, 0), out=ends[1:])
    target = np.empty(int(ends[-1]), np.uint8)
    _write_hex(source, starts, size, target)
    return strings(ends, target, valid)


def strings(ends: Ends, data: Bytes, valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Texts that lie one behind the other, without a copy."""
    bits = None if valid is None or valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(pa.string(), len(ends) - 1, [bits, pa.py_buffer(ends), pa.py_buffer(data)])
