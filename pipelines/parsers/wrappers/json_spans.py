"""Members of many JSON objects, elements of many arrays and the text of many strings, each in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.parsers.limits import MAX_DEPTH
from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.wrappers.json_kernels import (
    ABSENT,
    ESCAPED,
    PLAIN,
    key_end,
    kind_of,
    skip_space,
    value_end,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spans:
    """Values by position: `kinds` as in `json_kernels`; begin and end are those of a string's text, without quotes."""

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    kinds: NDArray[np.uint8]

    def select(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Spans:
        """Only the values that a mask or indices choose."""
        return Spans(self.begins[chosen], self.ends[chosen], self.kinds[chosen])

    def or_else(self, other: Spans) -> Spans:
        """These values, and the other ones where these are absent."""
        absent = self.kinds == ABSENT
        return Spans(
            np.where(absent, other.begins, self.begins),
            np.where(absent, other.ends, self.ends),
            np.where(absent, other.kinds, self.kinds),
        )

    def is_text(self) -> NDArray[np.bool_]:
        """Which values are strings."""
        texts: NDArray[np.bool_] = (self.kinds == PLAIN) | (self.kinds == ESCAPED)
        return texts


@compiled
def _members(  # noqa: C901 - one compiled pass
    data: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    keys: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    found: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]],
) -> NDArray[np.bool_]:
    good = np.zeros(len(begins), np.bool_)
    stack = np.zeros(MAX_DEPTH, np.bool_)
    for row in range(len(begins)):
        end = ends[row]
        i = skip_space(data, begins[row], end)
        if i >= end or data[i] != 123:
            continue
        i = skip_space(data, i + 1, end)
        if i < end and data[i] == 125:
            good[row] = skip_space(data, i + 1, end) == end
            continue
        while True:
            key = i + 1
            i = key_end(data, i, end)
            if i < 0 or i >= end:
                break
            value = i
            i = value_end(data, i, end, stack)
            if i < 0:
                break
            for k in range(len(bounds) - 1):
                length = bounds[k + 1] - bounds[k]
                # The closing quote comes right behind the key: a longer key does not match.
                if key + length < end and data[key + length] == 34:
                    same = True
                    for j in range(length):
                        if data[key + j] != keys[bounds[k] + j]:
                            same = False
                            break
                    if same:
                        kind = kind_of(data, value, i)
                        quotes = 1 if kind in (PLAIN, ESCAPED) else 0
                        found[0][k, row] = value + quotes
                        found[1][k, row] = i - quotes
                        found[2][k, row] = kind
                        break
            i = skip_space(data, i, end)
            if i < end and data[i] == 44:
                i = skip_space(data, i + 1, end)
                continue
            good[row] = i < end and data[i] == 125 and skip_space(data, i + 1, end) == end
            break
    return good


def members(
    data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64], keys: Sequence[bytes]
) -> tuple[list[Spans], NDArray[np.bool_]]:
    """The values of `keys` in each object `data[begin:end]`, and which of them are whole JSON objects.

    Of a key that occurs twice the last value counts, as in `json.loads`. Those of damaged objects mean nothing.
    """
    shape = (len(keys), len(begins))
    found = (np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.uint8))
    bounds = np.cumsum([0, *map(len, keys)])
    good = _members(data, begins, ends, np.frombuffer(b"".join(keys), np.uint8), bounds, found)
    found[2][:, ~good] = ABSENT
    return [Spans(found[0][k], found[1][k], found[2][k]) for k in range(len(keys))], good


@compiled
def _elements(
    data: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    found: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]],
    damage: NDArray[np.int64],
) -> int:
    """Counts elements where `found` has no room, else fills it in."""
    stack = np.zeros(MAX_DEPTH, np.bool_)
    count = 0
    room = len(found[0])
    for row in range(len(begins)):
        end = ends[row]
        i = skip_space(data, begins[row], end)
        damage[row] = -1
        if i >= end or data[i] != 91:
            damage[row] = i
            continue
        i = skip_space(data, i + 1, end)
        if i < end and data[i] == 93:
            continue
        while True:
            value = i
            i = value_end(data, i, end, stack)
            if i < 0:
                damage[row] = value
                break
            if count < room:
                kind = kind_of(data, value, i)
                quotes = 1 if kind in (PLAIN, ESCAPED) else 0
                found[0][count] = value + quotes
                found[1][count] = i - quotes
                found[2][count] = row
                found[3][count] = kind
            count += 1
            i = skip_space(data, i, end)
            if i < end and data[i] == 44:
                i = skip_space(data, i + 1, end)
                continue
            if i >= end or data[i] != 93:
                damage[row] = i
            break
    return count


def elements(
    data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[Spans, NDArray[np.int64], NDArray[np.int64]]:
    """The elements of each array `data[begin:end]`, which array each is of, and where an array is damaged (else -1)."""
    damage = np.full(len(begins), -1, np.int64)

    def room(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
        return np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.uint8)

    found = room(_elements(data, begins, ends, room(0), damage))
    _elements(data, begins, ends, found, damage)
    return Spans(found[0], found[1], found[3]), found[2], damage


@compiled
def _sequence(
    data: NDArray[np.uint8], found: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]], start: int
) -> tuple[int, int]:
    stack = np.zeros(MAX_DEPTH, np.bool_)
    count = 0
    end = len(data)
    i = skip_space(data, start, end)
    while i < end:
        value = i
        i = value_end(data, i, end, stack)
        if i < 0:
            return count, value
        if count < len(found[0]):
            found[0][count] = value
            found[1][count] = i
            found[2][count] = kind_of(data, value, i)
        count += 1
        i = skip_space(data, i, end)
    return count, -1


def sequence(data: NDArray[np.uint8]) -> tuple[Spans, int]:
    """The JSON values that follow one another, with or without white space, and where damage begins (else -1)."""
    start = 3 if bytes(data[:3]) == b"\xef\xbb\xbf" else 0

    def room(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
        return np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.uint8)

    count, _ = _sequence(data, room(0), start)
    found = room(count)
    _, damage = _sequence(data, found, start)
    return Spans(*found), damage
