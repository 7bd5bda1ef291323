"""Compiled reading of a sample's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.prometheus_columns import LABEL_REST, LABEL_START
from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.scan.stretches import copy, equal, find

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ends = NDArray[np.int32]

_NEWLINE, _QUOTE = np.uint8(10), np.uint8(34)
_COMMA, _EQUALS, _CLOSE = 44, 61, 125
#: Labels of which the first that differ from the line before are compared each with each.
_MAX_NEW_KEYS: Final = 64


@compiled
def _key_like(base: int, start: int, length: int, key: int, size: int) -> bool:
    """Whether the key at `start` is the one of `size` bytes at address `key`, with quoted text behind it."""
    return start + size + 2 <= length and equal(base + start, key, size)


@compiled
def _key(data: Bytes, start: int, classes: Bytes) -> int:
    """The length of the key at `start`; 0 where there is none."""
    if (classes[data[start]] & LABEL_START) == 0:
        return 0
    end = start + 1
    while (classes[data[end]] & LABEL_REST) != 0:
        end += 1
    return end - start


@compiled
def _are_distinct(first: int, end: int, ends: Ends, keys: int) -> bool:
    """Whether keys are all different; False where there are too many to compare each with each."""
    if end - first > _MAX_NEW_KEYS:
        return False
    for one in range(first, end):
        size = int(ends[one + 1]) - int(ends[one])
        for other in range(first, one):
            is_as_long = int(ends[other + 1]) - int(ends[other]) == size
            if is_as_long and equal(keys + int(ends[one]), keys + int(ends[other]), size):
                return False
    return True


@compiled
def labels(
    data: Bytes,
    start: int,
    length: int,
    before: int,
    first: int,
    classes: Bytes,
    key_ends: Ends,
    keys: int,
    text_ends: Ends,
    texts: int,
) -> tuple[int, int]:
    """Labels from after the brace, written as labels `first` and on; `keys` and `texts` are addresses.

    Those of the line before are `before` to `first - 1`: where its keys come again, they need not be looked at closely.

    Returns:
        Where they end, after the closing brace (-1: they are left to others), and how many labels there are in all.
    """
    base = data.ctypes.data
    index = first
    position = start
    is_known = True
    key_end = int(key_ends[first])
    text_end = int(text_ends[first])
    while data[position] != _CLOSE:
        size = 0
        known = before + index - first
        if is_known and known < first:
            size = int(key_ends[known + 1]) - int(key_ends[known])
            is_known = _key_like(base, position, length, keys + int(key_ends[known]), size)
        else:
            is_known = False
        if not (is_known and data[position + size] == _EQUALS):
            is_known = False
            size = _key(data, position, classes)
        text = position + size + 2
        if size == 0 or text > length or data[text - 2] != _EQUALS or data[text - 1] != _QUOTE:
            return -1, first
        end = find(base, text, length, _QUOTE, _NEWLINE)
        if end == length or data[end] != _QUOTE:
            return -1, first
        copy(keys + key_end, base + position, size)
        copy(texts + text_end, base + text, end - text)
        key_end += size
        text_end += end - text
        index += 1
        key_ends[index] = key_end
        text_ends[index] = text_end
        position = end + 1
        if data[position] == _COMMA:
            position += 1
        elif data[position] != _CLOSE:
            return -1, first
    if not is_known and not _are_distinct(first, index, key_ends, keys):
        return -1, first
    return position + 1, index
