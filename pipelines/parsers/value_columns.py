"""Arrow arrays from where values stand in a log's bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipelines.columns import TIMESTAMP
from pipelines.parsers.scan.columns import copy_texts, read_counts, read_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SLACK: Final = 32


@dataclass(frozen=True, slots=True)
class Values:
    """Where the values of some lines' fields are in `data`: arrays of shape (fields, lines).

    `kinds` are those of `pipelines/parsers/scan/json_lines.py`.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    kinds: NDArray[np.uint8]

    def select(self, index: int, lines: NDArray[np.int64]) -> Values:
        """One field of some lines."""
        part = np.s_[index : index + 1, lines]
        return Values(self.data, self.starts[part], self.ends[part], self.kinds[part])


def texts_of(values: Values, index: int, *, keep_dash: bool) -> pa.Array:
    """A field as strings; null where it is absent, and where it is `-` unless that is kept."""
    starts, ends = values.starts[index], values.ends[index]
    count = len(starts)
    offsets, valid = np.empty(count + 1, np.int32), np.empty(count, np.uint8)
    target = np.empty(int(np.sum(ends - starts, dtype=np.int64)) + _SLACK, np.uint8)
    nulls = copy_texts(values.data, starts, ends, values.kinds[index], int(keep_dash), offsets, target, valid)
    bits = pa.py_buffer(np.packbits(valid, bitorder="little")) if nulls else None
    return pa.Array.from_buffers(pa.string(), count, [bits, pa.py_buffer(offsets), pa.py_buffer(target)], nulls)


def counts_of(values: Values, index: int, bad: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """A field of whole numbers and which of them are null; marks in `bad` what is no number."""
    count = values.starts.shape[1]
    numbers, null = np.empty(count, np.int64), np.empty(count, np.uint8)
    read_counts(values.data, values.starts[index], values.ends[index], values.kinds[index], numbers, null, bad)
    return numbers, null.view(np.bool_)


def integers(numbers: NDArray[np.int64], null: NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    """Numbers that fit as integers of a kind."""
    held = numbers.astype(np.int32) if kind == pa.int32() else numbers
    bits = pa.py_buffer(np.packbits(~null, bitorder="little")) if null.any() else None
    return pa.Array.from_buffers(kind, len(held), [bits, pa.py_buffer(held)])


def times_of(values: Values, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A field of plain ISO 8601 times in microseconds since 1970, and the lines that have something else there."""
    count = values.starts.shape[1]
    moments, unread = np.empty(count, np.int64), np.zeros(count, np.uint8)
    read_times(values.data, values.starts[index], values.ends[index], values.kinds[index], moments, unread)
    return moments, np.flatnonzero(unread)


def timestamps(moments: NDArray[np.int64]) -> pa.Array:
    """Microseconds since 1970 as Arrow has them."""
    return pa.Array.from_buffers(TIMESTAMP, len(moments), [None, pa.py_buffer(moments)])
