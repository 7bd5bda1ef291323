"""Attributes of OTLP (`KeyValue`), read into one run of keys and one of values; keys are kept once and known by number.

Values are text: strings as they are, whole numbers in decimal, truth values as JSON has them. Any other value is
refused, and so is a key that a record has twice. Arrays are given by their addresses (`memory.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.lanes import LANES, copy_lanes, lowest, unusual
from pipelines.parsers.scan.memory import address, byte, put_byte, put_word, word
from pipelines.parsers.scan.stretches import copy, equal
from pipelines.parsers.scan.wire import REFUSED, tag, text, varint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Numbers = NDArray[np.int64]

_MOST_KEYS: Final = 4096
_MOST_KEY_BYTES: Final = 1 << 18
_LONGEST_KEY: Final = 1 << 12
_SLOTS: Final = 4 * _MOST_KEYS
_GUESSES: Final = 64
_SLACK: Final = 64
#: The parts of `Keys.numbers`: how many keys there are; the record that is being read; the key that was last at a
#: place of a record; where each key ends; the record that last had it; and a table of keys by their hash.
_COUNT, _RECORD, _GUESS = 0, 1, 2
_END: Final = _GUESS + _GUESSES
_SEEN: Final = _END + _MOST_KEYS + 1
_SLOT: Final = _SEEN + _MOST_KEYS
_TAG_KEY, _TAG_VALUE, _TAG_STRING, _TAG_BOOL, _TAG_INT = 10, 18, 10, 16, 24
_MINUS, _ZERO = 45, 48
#: From here on lengths take two bytes.
_LONG: Final = 128
_TRUE, _FALSE = 1702195828, 1936482662  # the first four letters, the lowest first
_E: Final = 101
#: Columns of `Items.numbers`.
KEY, END = 0, 1


class Keys(NamedTuple):
    """Distinct keys, one behind the other, and what is known of them. Compiled code takes the two apart."""

    text: Bytes
    numbers: Numbers

    def ends(self) -> NDArray[np.int32]:
        """Where the keys lie in the text, key n from `ends[n]` to `ends[n + 1]`."""
        return self.numbers[_END : _END + int(self.numbers[_COUNT]) + 1].astype(np.int32)


class Items(NamedTuple):
    """Attributes one behind the other: their values, and for each its key's number and where its value ends.

    Row 0 is before the first.
    """

    values: Bytes
    numbers: Numbers


def new_keys(known: Sequence[str]) -> Keys:
    """No keys but known ones, whose numbers are their places."""
    keys = Keys(np.zeros(_MOST_KEY_BYTES + _SLACK, np.uint8), np.zeros(_SLOT + _SLOTS, np.int64))
    keys.numbers[_SLOT:] = -1
    for key in known:
        data = np.frombuffer(key.encode() + bytes(_SLACK), np.uint8)
        _add_key(data, len(key.encode()), keys.text, keys.numbers)
    return keys


def new_items(size: int) -> Items:
    """Room for all attributes that `size` bytes may hold."""
    items = Items(np.empty(2 * size + _SLACK, np.uint8), np.empty((size // 8 + 3, 2), np.int64))
    items.numbers[0] = 0
    return items


@compiled
def intern(data: int, start: int, end: int, key_text: int, keys: int, place: int) -> int:
    """The number of a key, which is new or not; refused where there are too many."""
    size = end - start
    source, kept = data + start, key_text
    guess = word(keys, _GUESS + (place & (_GUESSES - 1)))
    if guess < word(keys, _COUNT):
        first = word(keys, _END + guess)
        if word(keys, _END + guess + 1) - first == size and equal(source, kept + first, size):
            return guess
    if size > _LONGEST_KEY:
        return REFUSED
    mixed = 5381
    for at in range(start, end):
        mixed = (mixed * 33 + byte(data, at)) & 0x3FFFFFFF
    slot = mixed & (_SLOTS - 1)
    number = word(keys, _SLOT + slot)
    while number >= 0:
        first = word(keys, _END + number)
        if word(keys, _END + number + 1) - first == size and equal(source, kept + first, size):
            put_word(keys, _GUESS + (place & (_GUESSES - 1)), number)
            return number
        slot = (slot + 1) & (_SLOTS - 1)
        number = word(keys, _SLOT + slot)
    number = word(keys, _COUNT)
    first = word(keys, _END + number)
    if number + 1 >= _MOST_KEYS or first + size > _MOST_KEY_BYTES:
        return REFUSED
    copy(kept + first, source, size)
    put_word(keys, _END + number + 1, first + size)
    put_word(keys, _SLOT + slot, number)
    put_word(keys, _COUNT, number + 1)
    put_word(keys, _GUESS + (place & (_GUESSES - 1)), number)
    return number


@compiled
def begin_record(keys: int) -> None:
    """From here on keys may come again."""
    put_word(keys, _RECORD, word(keys, _RECORD) + 1)


@compiled
def write_number(target: int, at: int, value: int) -> int:
    """Write a number in decimal; returns the position behind it. The smallest of all, which has no twin, is refused."""
    if value < 0:
        value = -value
        if value < 0:
            return REFUSED
        put_byte(target, at, _MINUS)
        at += 1
    digits = 1
    rest = value
    while rest > 9:
        rest //= 10
        digits += 1
    for place in range(digits):
        put_byte(target, at + digits - 1 - place, _ZERO + value % 10)
        value //= 10
    return at + digits


@compiled
def read_value(data: int, at: int, end: int, values: int, begin: int) -> int:
    """Write an `AnyValue` of one field at `begin`; returns the position behind it."""
    field, at = tag(data, at, end)
    if at < 0:
        return REFUSED
    if field == _TAG_STRING:
        start, stop = text(data, at, end)
        if stop != end:
            return REFUSED
        copy(values + begin, data + start, stop - start)
        return begin + stop - start
    if field != _TAG_INT and field != _TAG_BOOL:  # compiled code has no sets
        return REFUSED
    value, at = varint(data, at, end)
    if at != end:
        return REFUSED
    if field == _TAG_INT:
        return write_number(values, begin, value)
    letters = _TRUE if value != 0 else _FALSE
    for place in range(4):
        put_byte(values, begin + place, (letters >> (8 * place)) & 0xFF)
    if value == 0:
        put_byte(values, begin + 4, _E)
    return begin + (4 if value != 0 else 5)


@compiled
def _usual(
    data: int, at: int, end: int, key_text: int, keys: int, values: int, begin: int, place: int
) -> tuple[int, int]:
    """A short string under the key that was last at its place, as nearly all attributes are: the key's number, and the
    position behind the value, which is written at `begin`. Refused is whatever has to be looked at more closely.
    """
    if end - at < 6 or end - at >= _LONG or byte(data, at) != _TAG_KEY:
        return REFUSED, REFUSED
    size = byte(data, at + 1)
    stop = at + 2 + size
    if stop + 4 > end or byte(data, stop) != _TAG_VALUE or byte(data, stop + 2) != _TAG_STRING:
        return REFUSED, REFUSED
    if byte(data, stop + 1) != end - stop - 2 or byte(data, stop + 3) != end - stop - 4:
        return REFUSED, REFUSED
    key = word(keys, _GUESS + (place & (_GUESSES - 1)))
    first = word(keys, _END + key)
    if key >= word(keys, _COUNT) or word(keys, _END + key + 1) - first != size:
        return REFUSED, REFUSED
    source, target = data, values + begin
    if not equal(source + at + 2, key_text + first, size):
        return REFUSED, REFUSED
    source += stop + 4
    size = end - stop - 4
    done = 0
    while done < size:
        mask = unusual(source + done)
        if mask != 0 and done + lowest(mask) < size:
            return REFUSED, REFUSED
        copy_lanes(target + done, source + done)
        done += LANES
    return key, begin + size


@compiled
def read_attribute(
    data: int,
    at: int,
    end: int,
    key_text: int,
    keys: int,
    values: int,
    items: int,
    item: int,
    place: int,
) -> int:
    """Put the `KeyValue` between two positions behind item number `item`; it is the `place`-th of its record.

    Returns its key's number.
    """
    begin = word(items, 2 * item + END)
    key, behind = _usual(data, at, end, key_text, keys, values, begin, place)
    if key < 0:
        field, at = tag(data, at, end)
        if at < 0 or field != _TAG_KEY:
            return REFUSED
        start, stop = text(data, at, end)
        if stop < 0:
            return REFUSED
        key = intern(data, start, stop, key_text, keys, place)
        field, at = tag(data, stop, end)
        if key < 0 or at < 0 or field != _TAG_VALUE:
            return REFUSED
        size, at = varint(data, at, end)
        if at < 0 or size <= 0 or size != end - at:
            return REFUSED
        behind = read_value(data, at, end, values, begin)
    if behind < 0 or word(keys, _SEEN + key) == word(keys, _RECORD):
        return REFUSED
    put_word(keys, _SEEN + key, word(keys, _RECORD))
    put_word(items, 2 * item + 2 + KEY, key)
    put_word(items, 2 * item + 2 + END, behind)
    return key


@compiled
def _add_key(data: Bytes, size: int, key_text: Bytes, keys: Numbers) -> None:
    intern(address(data), 0, size, address(key_text), address(keys), 0)
