"""Lines of JSON objects that have the same keys in the same order, read without a parser.

A template is what stands between the values; where lines are like it, only the values are looked at. What is taken is
strict JSON: escapes, UTF-8, control bytes and numbers are checked. Everything else is left to a parser.

Buffers have 64 bytes behind their data: 32 bytes are loaded at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import either, lowest, unusual
from pipelines.parsers.scan.lines import same_bytes, utf8_ok

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Kinds of a value: none (or null), a string without escapes, one with, a whole number, a truth value.
ABSENT, PLAIN, ESCAPED, NUMBER, TRUTH = 0, 1, 2, 3, 4

_MOST_DIGITS: Final = 18
_QUOTE, _BACKSLASH, _COMMA, _OPEN, _CLOSE, _MINUS = 34, 92, 44, 123, 125, 45


@compiled
def _hex4(data: NDArray[np.uint8], at: int) -> int:
    """Four hexadecimal digits' value, or -1."""
    value = 0
    for place in range(at, at + 4):
        digit = int(data[place])
        if 48 <= digit <= 57:
            digit -= 48
        elif 97 <= digit <= 102:
            digit -= 87
        elif 65 <= digit <= 70:
            digit -= 55
        else:
            return -1
        value = value * 16 + digit
    return value


@compiled
def escape_length(data: NDArray[np.uint8], at: int, end: int) -> int:
    """How many bytes the escape at a backslash takes; 0 where it is none (a surrogate alone is none)."""
    if at + 1 >= end:
        return 0
    letter = data[at + 1]
    if letter != 117:
        known = letter in (_QUOTE, _BACKSLASH) or letter == 47 or letter == 98
        known = known or letter == 102 or letter == 110 or letter == 114 or letter == 116
        return 2 if known else 0
    if at + 6 > end:
        return 0
    code = _hex4(data, at + 2)
    if code < 0 or 0xDC00 <= code <= 0xDFFF:
        return 0
    if code < 0xD800 or code > 0xDFFF:
        return 6
    if at + 12 > end or data[at + 6] != _BACKSLASH or data[at + 7] != 117:
        return 0
    low = _hex4(data, at + 8)
    return 12 if 0xDC00 <= low <= 0xDFFF else 0


@compiled
def _is_clean(data: NDArray[np.uint8], start: int, end: int) -> bool:
    address = np.int64(data.ctypes.data)
    at = start
    while at + 32 <= end:
        if unusual(address + at) != 0:
            return utf8_ok(data, at, end)
        at += 32
    for place in range(at, end):
        if data[place] < 0x20 or data[place] > 0x7F:
            return utf8_ok(data, at, end)
    return True


@compiled
def _value(  # noqa: C901  # a case for each kind of value
    data: NDArray[np.uint8], at: int, end: int
) -> tuple[int, int, int, int]:
    """A value's start, end and kind, and where it is over: a position behind the end where it is none of these."""
    address = np.int64(data.ctypes.data)
    first = data[at]
    none = end + 1
    if first == _QUOTE:
        kind = PLAIN
        stop = at + 1
        while stop < end:
            mask = either(address + stop, np.uint8(_QUOTE), np.uint8(_BACKSLASH))
            if mask == 0:
                stop += 32
                continue
            stop += lowest(mask)
            if stop >= end:
                break
            if data[stop] == _QUOTE:
                return at + 1, stop, kind, stop + 1
            kind = ESCAPED
            length = escape_length(data, stop, end)
            if length == 0:
                break
            stop += length
        return at, at, ABSENT, none
    if first == 110:
        if at + 4 <= end and data[at + 1] == 117 and data[at + 2] == 108 and data[at + 3] == 108:
            return at, at, ABSENT, at + 4
        return at, at, ABSENT, none
    if first == 116:
        if at + 4 <= end and data[at + 1] == 114 and data[at + 2] == 117 and data[at + 3] == 101:
            return at, at + 4, TRUTH, at + 4
        return at, at, ABSENT, none
    if first == 102:
        if at + 5 <= end and data[at + 1] == 97 and data[at + 2] == 108 and data[at + 3] == 115 and data[at + 4] == 101:
            return at, at + 5, TRUTH, at + 5
        return at, at, ABSENT, none
    stop = at + 1 if first == _MINUS else at
    digits = stop
    while stop < end and 48 <= data[stop] <= 57:
        stop += 1
    length = stop - digits
    # A number that could be written otherwise is left to the parser.
    if length == 0 or length > _MOST_DIGITS or (data[digits] == 48 and (length > 1 or first == _MINUS)):
        return at, at, ABSENT, none
    return at, stop, NUMBER, stop


@compiled
def match_lines(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    literals: NDArray[np.uint8],
    literal_offsets: NDArray[np.int64],
    skips: int,
    longest: int,
    value_starts: NDArray[np.int32],
    value_ends: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    matched: NDArray[np.uint8],
) -> int:
    """Find the values of the lines that fit a template; returns how many lines do, and marks them in `matched`.

    `literals` is what stands before each value and after the last. Where `skips`, keys may be missing: literals then
    are `"key":` alone, in braces and with commas between them. Values are of shape (keys, lines that fit so far).
    """
    address, literal_address = np.int64(data.ctypes.data), np.int64(literals.ctypes.data)
    keys = len(literal_offsets) - 2
    row = 0
    for line in range(len(starts)):
        at, end = starts[line], ends[line]
        fits = end - at <= longest
        closed = False
        if skips:
            fits &= data[at] == _OPEN
            at += 1
        for key in range(keys):
            if not fits:
                break
            length = literal_offsets[key + 1] - literal_offsets[key]
            if (
                closed
                or at + length >= end
                or not same_bytes(address + at, literal_address + literal_offsets[key], length)
            ):
                fits = skips
                value_starts[key, row] = at
                value_ends[key, row] = at
                kinds[key, row] = ABSENT
                continue
            start, stop, kind, at = _value(data, at + length, end)
            fits = at <= end
            value_starts[key, row] = start
            value_ends[key, row] = stop
            kinds[key, row] = kind
            if skips and fits:
                closed = at + 1 == end and data[at] == _CLOSE
                fits = closed or (at < end and data[at] == _COMMA)
                at += 1
        if fits and not skips:
            length = literal_offsets[keys + 1] - literal_offsets[keys]
            closed = at + length == end and same_bytes(address + at, literal_address + literal_offsets[keys], length)
        if fits and closed and _is_clean(data, starts[line], end):
            matched[line] = 1
            row += 1
        else:
            matched[line] = 0
    return row
