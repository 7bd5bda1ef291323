"""The compiled scan of a text exposition: lines as the standard's examples write them, every other one left alone.

A line is taken whole or not at all. What is taken is written in Arrow's own layout at once. Most lines have the name
and the keys of the line before, so those are tried first. These functions read past the end of the input by less than
its padding, and write past the end of a value by less than a vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.lines import MAX_RECORD_BYTES
from pipelines.parsers.prometheus_columns import (
    FAMILY_LENGTH,
    HARDS,
    KIND,
    LABELS,
    NAME_REST,
    NAME_START,
    ROWS,
    SLOW,
    TYPE_AT,
    Columns,
    Tables,
)
from pipelines.parsers.prometheus_labels import labels
from pipelines.parsers.prometheus_lines import FIRST_SECOND, LAST_SECOND, MICROSECONDS
from pipelines.parsers.prometheus_numbers import BAD, EXACT, HARD, decimal, milliseconds, seconds
from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import LANES, unusual
from pipelines.parsers.scan.lines import utf8_ok
from pipelines.parsers.scan.stretches import copy, equal, find

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

#: What holds for a block, as bits: samples without a timestamp have one, timestamps are seconds, there are neither
#: escapes nor bytes above 127.
HAS_TIME: Final = 1
IS_OPEN_METRICS: Final = 2
IS_PLAIN: Final = 4

_NEWLINE, _BACKSLASH = np.uint8(10), np.uint8(92)
_TAB, _RETURN, _BLANK, _HASH, _OPEN = 9, 13, 32, 35, 123
_T, _Y, _P, _E = 84, 89, 80, 69
_MAX_LINE: Final = MAX_RECORD_BYTES
_FIRST_US: Final = FIRST_SECOND * MICROSECONDS
_LAST_US: Final = LAST_SECOND * MICROSECONDS
_SKIP, _TYPE, _STOP = 0, 1, 2


@compiled
def _blanks(data: Bytes, start: int) -> int:
    position = start
    while data[position] == _BLANK or data[position] == _TAB:
        position += 1
    return position


@compiled
def _name_size(data: Bytes, start: int, classes: Bytes) -> int:
    """How long a metric's name is that begins at `start`; 0 where none does."""
    if (classes[data[start]] & NAME_START) == 0:
        return 0
    position = start + 1
    while (classes[data[position]] & NAME_REST) != 0:
        position += 1
    return position - start


@compiled
def _type_code(data: Bytes, start: int, end: int, types: Bytes) -> int:
    """The code of the type that a line names; -1 where there is no such type."""
    address = data.ctypes.data + start
    for row in range(types.shape[0]):
        is_as_long = types[row, 1] == end - start
        if is_as_long and equal(address, types.ctypes.data + row * types.shape[1] + 2, end - start):
            return int(types[row, 0])
    return -1


@compiled
def _comment(data: Bytes, start: int, end: int, tables: Tables) -> tuple[int, int, int]:
    """A comment from `start` to `end`.

    Returns:
        `_SKIP`, `_TYPE` with the length of the family's name and its kind, or `_STOP` where others have to read it.
    """
    word = start + 1
    while word < end and data[word] <= _BLANK:
        word += 1
    if not (data[word] == _T and data[word + 1] == _Y):
        return _SKIP, 0, 0
    is_standard = word == start + 2 and data[start + 1] == _BLANK and data[word + 2] == _P and data[word + 3] == _E
    if not (is_standard and data[word + 4] == _BLANK and word + 5 < end):
        return _STOP, 0, 0
    size = _name_size(data, word + 5, tables.classes)
    kind = word + 5 + size
    if size == 0 or data[kind] != _BLANK:
        return _STOP, 0, 0
    code = _type_code(data, kind + 1, end - 1 if data[end - 1] == _RETURN else end, tables.types)
    return (_STOP, 0, 0) if code < 0 else (_TYPE, size, code)


@compiled
def _kind_of(name: int, size: int, family: int, family_size: int, kind: int, tables: Tables) -> int:
    """The kind of a metric by its name's address: the family's, where the name is the family's with a suffix of it."""
    if kind == 0 or size < family_size or not equal(name, family, family_size):
        return 0
    rest = size - family_size
    for row in range(tables.suffixes.shape[0]):
        suffix = tables.suffixes.ctypes.data + row * tables.suffixes.shape[1] + 2
        may_be = tables.allowed[kind, row] != 0 and tables.suffixes[row, 1] == rest
        if may_be and equal(name + family_size, suffix, rest):
            return kind
    return 0


@compiled
def _is_plain(data: Bytes, start: int, end: int) -> bool:
    """Whether a line has no escapes, and no bytes that are not UTF-8."""
    base = data.ctypes.data
    if find(base, start, end, _BACKSLASH, _BACKSLASH) < end:
        return False
    position = start
    while position < end:
        if unusual(base + position) != 0:
            return bool(utf8_ok(data, start, end))
        position += LANES
    return True


@compiled
def _time(data: Bytes, start: int, flags: int, observed_us: int) -> tuple[int, int, int]:
    """The timestamp behind a value, or the time of samples without one. Returns BAD or EXACT, it and where it ends."""
    if data[start] == _NEWLINE or data[start] == _RETURN or data[start] == 0:
        return EXACT if (flags & HAS_TIME) != 0 else BAD, observed_us, start
    if data[start - 1] != _BLANK and data[start - 1] != _TAB:
        return BAD, 0, start
    if (flags & IS_OPEN_METRICS) != 0:
        status, time_us, end = seconds(data, start)
    else:
        status, time_us, end = milliseconds(data, start)
    if not _FIRST_US <= time_us <= _LAST_US:
        return BAD, 0, start
    return status, time_us, _blanks(data, end)


@compiled
def _is_line(data: Bytes, line: int, end: int, length: int, flags: int) -> bool:
    """Whether a sample's line ends where its sample does, and holds nothing that others have to look at."""
    if end - line >= _MAX_LINE or not (end >= length or data[end] == _NEWLINE):
        return False
    return (flags & IS_PLAIN) != 0 or _is_plain(data, line, min(end, length))


@compiled
def scan_exposition(  # noqa: C901 - one loop over the parts of a line: a call for each costs more than it clears up
    data: Bytes, start: int, length: int, family: Bytes, observed_us: int, flags: int, tables: Tables, columns: Columns
) -> int:
    """Scan lines from `start` to `length`.

    Args:
        data: a block of whole lines, padded.
        start: where to begin, the start of a line.
        length: how many bytes of the block count.
        family: the name that the last TYPE line gave, padded; its length and kind are in `columns.counts`.
        observed_us: the time of samples without a timestamp.
        flags: what holds for the block.
        tables: what names and types are.
        columns: where to go on writing; `counts` is where the last call ended.

    Returns:
        `length`, or the start of a comment that others have to read before the scan can go on.
    """
    counts = columns.counts
    classes = tables.classes
    base = data.ctypes.data
    names = columns.names.ctypes.data
    keys = columns.keys.ctypes.data
    texts = columns.texts.ctypes.data
    family_name = family.ctypes.data
    rows = int(counts[ROWS])
    last = int(counts[LABELS])
    before = last
    last_name = base
    last_size = 0
    last_kind = 0
    position = start
    while position < length:
        line = position
        while data[position] == _RETURN or data[position] == _BLANK or data[position] == _TAB:
            position += 1
        if position >= length:
            break
        if data[position] == _NEWLINE:
            position += 1
            continue
        if data[position] == _HASH:
            end = find(base, position, length, _NEWLINE, _NEWLINE)
            action, size, code = _STOP, 0, 0
            if position == line and end - line < _MAX_LINE:
                action, size, code = _comment(data, line, end, tables)
            if action == _STOP:
                return line
            if action == _TYPE:
                family_name = base + line + 7
                counts[TYPE_AT], counts[FAMILY_LENGTH], counts[KIND] = line, size, code
                last_size = 0
            position = end + 1
            continue
        size = 0
        is_same = False
        if position == line:
            if 0 < last_size < length - line and equal(base + line, last_name, last_size):
                is_same = (classes[data[line + last_size]] & NAME_REST) == 0
            size = last_size if is_same else _name_size(data, line, classes)
        end = line + size
        label_end = last
        if size == 0 or end >= length:
            end = -1
        elif data[end] == _OPEN:
            end, label_end = labels(
                data, end + 1, length, before, last, classes, columns.key_ends, keys, columns.text_ends, texts
            )
        elif data[end] != _BLANK:
            end = -1
        value_start = 0
        value_end = 0
        value = 0.0
        time_us = 0
        status = BAD
        number = BAD
        if end >= 0:
            value_start = _blanks(data, end)
            number, value, value_end = decimal(data, value_start)
            if number != BAD:
                status, time_us, end = _time(data, _blanks(data, value_end), flags, observed_us)
            if data[end] == _RETURN:
                end += 1
        if status == BAD or not _is_line(data, line, end, length, flags):
            end = find(base, line, length, _NEWLINE, _NEWLINE)
            slow = columns.slow[counts[SLOW]]
            slow[0], slow[1], slow[2] = line, end, counts[TYPE_AT]
            counts[SLOW] += 1
            position = end + 1
            continue
        if not is_same:
            last_name = base + line
            last_size = size
            last_kind = _kind_of(last_name, size, family_name, counts[FAMILY_LENGTH], counts[KIND], tables)
        name_end = int(columns.name_ends[rows])
        copy(names + name_end, last_name, size)
        columns.offsets[rows] = line
        columns.kinds[rows] = last_kind
        columns.times[rows] = time_us
        columns.values[rows] = value
        if number == HARD:
            hard = columns.hards[counts[HARDS]]
            hard[0], hard[1], hard[2] = rows, value_start, value_end
            counts[HARDS] += 1
        rows += 1
        columns.name_ends[rows] = name_end + size
        columns.label_ends[rows] = label_end
        before, last = last, label_end
        counts[ROWS], counts[LABELS] = rows, last
        position = end + 1
    return length
