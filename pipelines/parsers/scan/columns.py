"""Columns from the positions of JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.json_lines import ABSENT, ESCAPED, NUMBER, PLAIN, _hex4
from pipelines.parsers.scan.lanes import byte, copy_lanes, word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.scan.lanes import Address

_BACKSLASH, _DASH, _ZERO = 92, 45, 48
_ZEROS, _PAIRS = np.uint64(0x3030303030303030), np.uint64(0x000000FF000000FF)
_FIRST_YEAR, _LAST_YEAR = 1000, 2999


@compiled
def _put(target: NDArray[np.uint8], at: int, code: int) -> int:
    """Write a character as UTF-8; returns the position behind it."""
    if code < 0x80:
        target[at] = code
        return at + 1
    if code < 0x800:
        target[at] = 0xC0 | (code >> 6)
        target[at + 1] = 0x80 | (code & 0x3F)
        return at + 2
    if code < 0x10000:
        target[at] = 0xE0 | (code >> 12)
        target[at + 1] = 0x80 | ((code >> 6) & 0x3F)
        target[at + 2] = 0x80 | (code & 0x3F)
        return at + 3
    target[at] = 0xF0 | (code >> 18)
    target[at + 1] = 0x80 | ((code >> 12) & 0x3F)
    target[at + 2] = 0x80 | ((code >> 6) & 0x3F)
    target[at + 3] = 0x80 | (code & 0x3F)
    return at + 4


@compiled
def _unescape(data: NDArray[np.uint8], start: int, end: int, target: NDArray[np.uint8], at: int) -> int:
    place = start
    while place < end:
        byte = data[place]
        if byte != _BACKSLASH:
            target[at] = byte
            at += 1
            place += 1
            continue
        letter = data[place + 1]
        if letter == 117:
            code = _hex4(data, place + 2)
            place += 6
            if 0xD800 <= code <= 0xDBFF:
                code = 0x10000 + ((code - 0xD800) << 10) + (_hex4(data, place + 2) - 0xDC00)
                place += 6
            at = _put(target, at, code)
            continue
        if letter == 98:
            letter = np.uint8(8)
        elif letter == 102:
            letter = np.uint8(12)
        elif letter == 110:
            letter = np.uint8(10)
        elif letter == 114:
            letter = np.uint8(13)
        elif letter == 116:
            letter = np.uint8(9)
        target[at] = letter
        at += 1
        place += 2
    return at


@compiled
def copy_texts(
    data: NDArray[np.uint8],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    keep_dash: int,
    offsets: NDArray[np.int32],
    target: NDArray[np.uint8],
    valid: NDArray[np.uint8],
) -> int:
    """Copy values as text, without their escapes; returns how many are null: absent ones, and `-` unless it is kept.

    `target` has room for all values and 32 bytes more.
    """
    source, address = np.int64(data.ctypes.data), np.int64(target.ctypes.data)
    at, nulls = 0, 0
    for row in range(len(starts)):
        offsets[row] = at
        start, end, kind = starts[row], ends[row], kinds[row]
        dash = kind == PLAIN and end - start == 1 and data[start] == _DASH and not keep_dash
        if kind == ABSENT or dash:
            valid[row] = 0
            nulls += 1
            continue
        valid[row] = 1
        if kind == ESCAPED:
            at = _unescape(data, start, end, target, at)
            continue
        length = end - start
        done = 0
        while done < length:
            copy_lanes(address + at + done, source + start + done)
            done += 32
        at += length
    offsets[len(starts)] = at
    return nulls


@compiled
def read_counts(
    data: NDArray[np.uint8],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    values: NDArray[np.int64],
    null: NDArray[np.uint8],
    bad: NDArray[np.uint8],
) -> None:
    """Read whole numbers of at most 18 digits, numbers or strings; marks those that are null, and others as bad."""
    for row in range(len(starts)):
        start, end, kind = starts[row], ends[row], kinds[row]
        values[row] = 0
        null[row] = kind == ABSENT or (kind == PLAIN and end - start == 1 and data[start] == _DASH)
        if null[row]:
            continue
        if (kind != PLAIN and kind != NUMBER) or end == start or end - start > 18:
            bad[row] = 1
            continue
        value = 0
        for place in range(start, end):
            digit = int(data[place]) - _ZERO
            if digit < 0 or digit > 9:
                bad[row] = 1
                break
            value = value * 10 + digit
        values[row] = value


@compiled
def _eight_digits(end: Address, count: Address) -> np.int64:
    """The value of up to eight digits in front of an address: pairs of digits, of those, and of those again."""
    unused = np.uint64(8 * (8 - count))
    found = ((np.uint64(word(end - 8)) ^ _ZEROS) >> unused) << unused
    found = (found * np.uint64(10)) + (found >> np.uint64(8))
    low = (found & _PAIRS) * np.uint64(100 + (1_000_000 << 32))
    high = ((found >> np.uint64(16)) & _PAIRS) * np.uint64(1 + (10_000 << 32))
    return np.int64((low + high) >> np.uint64(32))


@compiled
def read_numbers(
    data: NDArray[np.uint8],
    fields: NDArray[np.int64],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    values: NDArray[np.int64],
    there: NDArray[np.bool_],
) -> None:
    """Read values of some fields that are known to be up to 18 digits, or `-`, which is no value.

    `starts` and `ends` have a row for each field there is, `values` and `there` one for each in `fields`. Eight bytes
    in front of a value can be read.
    """
    address = np.int64(data.ctypes.data)
    for column in range(len(fields)):
        field = fields[column]
        for row in range(starts.shape[1]):
            start, end = address + starts[field, row], address + ends[field, row]
            size = end - start
            is_number = byte(start) != _DASH
            there[column, row] = is_number
            if not is_number:
                values[column, row] = 0
            elif size <= 8:
                values[column, row] = _eight_digits(end, size)
            else:
                value = np.int64(0)
                for place in range(start, end):
                    value = value * 10 + (byte(place) - _ZERO)
                values[column, row] = value


@compiled
def _digits(data: NDArray[np.uint8], at: int, count: int) -> int:
    """So many digits' value, or a negative number."""
    value = 0
    for place in range(at, at + count):
        digit = int(data[place]) - _ZERO
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@compiled
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970, by Howard Hinnant's algorithm `days_from_civil`."""
    if month <= 2:
        year -= 1
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@compiled
def _length_of_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


@compiled
def read_times(
    data: NDArray[np.uint8],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    values: NDArray[np.int64],
    bad: NDArray[np.uint8],
) -> None:
    """Read `2026-11-22T22:05:06.086Z` with up to nine digits of a fraction, to microseconds; marks others as bad."""
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        values[row] = 0
        was_bad = bad[row]
        bad[row] = 1
        if kinds[row] != PLAIN or end - at < 20 or end - at == 21 or end - at > 30 or data[end - 1] != 90:
            continue
        year, month, day = _digits(data, at, 4), _digits(data, at + 5, 2), _digits(data, at + 8, 2)
        hour, minute, second = _digits(data, at + 11, 2), _digits(data, at + 14, 2), _digits(data, at + 17, 2)
        marks = data[at + 4] == 45 and data[at + 7] == 45 and data[at + 10] == 84
        marks &= data[at + 13] == 58 and data[at + 16] == 58
        if not marks or year < _FIRST_YEAR or year > _LAST_YEAR or month < 1 or month > 12:
            continue
        if day < 1 or day > _length_of_month(year, month) or hour < 0 or hour > 23:
            continue
        if minute < 0 or minute > 59 or second < 0 or second > 59:
            continue
        fraction = 0
        if end - at > 20:
            digits = end - at - 21
            fraction = _digits(data, at + 20, digits)
            if data[at + 19] != 46 or fraction < 0:
                continue
            for _ in range(digits, 6):
                fraction *= 10
            for _ in range(6, digits):
                fraction //= 10
        seconds = _days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
        values[row] = seconds * 1_000_000 + fraction
        bad[row] = was_bad
