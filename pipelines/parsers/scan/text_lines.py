"""Lines of text in a known format: literals with values between them, each value of a kind that is checked.

Only lines that can be read in one way are taken: of every value is said which two bytes end the search for its end,
and a line in which the wrong one comes first is left to a parser, as is everything else that is not plain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import either, lowest, unusual
from pipelines.parsers.scan.lines import same_bytes, utf8_ok
from pipelines.parsers.scan.text_kinds import low_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DELETE: Final = 127


@compiled
def _is_text(data: NDArray[np.uint8], at: int, end: int) -> bool:
    """Whether a line is UTF-8 without any control byte."""
    address = np.int64(data.ctypes.data)
    while at < end:
        mask = unusual(address + at)
        if end - at < 32:
            mask &= low_bits(end - at)
        if mask != 0:
            for place in range(at, end):
                if data[place] == _DELETE:
                    return False
            return utf8_ok(data, at, end)
        at += 32
    return True


@compiled
def match_fields(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    literals: NDArray[np.uint8],
    literal_offsets: NDArray[np.int64],
    stops: NDArray[np.uint8],
    longest: int,
    value_starts: NDArray[np.int32],
    value_ends: NDArray[np.int32],
    matched: NDArray[np.uint8],
) -> int:
    """Find the values of the lines that are plainly of a format; returns how many are, and marks them in `matched`.

    `literals` is what stands before each value and after the last; that before the first and that after the last may
    be empty. A value ends at the first of two bytes, `stops` (shape (fields, 2)), or with the line, and the literal
    behind it must be there. Values are of shape (fields, lines that fit so far).
    """
    address, literal_address = np.int64(data.ctypes.data), np.int64(literals.ctypes.data)
    fields = len(stops)
    row = 0
    for line in range(len(starts)):
        matched[line] = 0
        at, end = starts[line], ends[line]
        length = literal_offsets[1]
        if end - at > longest or end - at < length or not same_bytes(address + at, literal_address, length):
            continue
        at += length
        fits = True
        for field in range(fields):
            literal = literal_offsets[field + 1]
            length = literal_offsets[field + 2] - literal
            stop = at
            while stop < end:
                mask = either(address + stop, stops[field, 0], stops[field, 1])
                if mask != 0:
                    stop += lowest(mask)
                    break
                stop += 32
            stop = min(stop, end)
            # Most literals are a single byte.
            fits = stop + length <= end and (
                length == 0
                or (
                    data[stop] == literals[literal]
                    and (length == 1 or same_bytes(address + stop, literal_address + literal, length))
                )
            )
            if not fits:
                break
            value_starts[field, row] = at
            value_ends[field, row] = stop
            at = stop + length
        if fits and at == end and _is_text(data, starts[line], end):
            matched[line] = 1
            row += 1
    return row
