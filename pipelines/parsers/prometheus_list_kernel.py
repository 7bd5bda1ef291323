"""The compiled reading of a sample list, `[[<seconds>,"<value>"],...]`, as Prometheus writes it or with white space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.parsers.prometheus_lines import FIRST_SECOND, LAST_SECOND, MICROSECONDS
from pipelines.parsers.prometheus_numbers import BAD, HARD, decimal, seconds
from pipelines.parsers.scan.compiled import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLANK, _TAB, _NEWLINE, _RETURN = 32, 9, 10, 13
_QUOTE, _COMMA, _OPEN, _CLOSE = 34, 44, 91, 93
_FIRST_US: Final = FIRST_SECOND * MICROSECONDS
_LAST_US: Final = LAST_SECOND * MICROSECONDS


@compiled
def _next(data: NDArray[np.uint8], start: int) -> int:
    """The first byte at or after `start` that is no white space."""
    position = start
    while True:
        byte = data[position]
        if byte != _BLANK and byte != _NEWLINE and byte != _TAB and byte != _RETURN:
            return position
        position += 1


@compiled
def _sample(data: NDArray[np.uint8], start: int) -> tuple[int, int, float, int, int, int]:
    """One sample from its bracket on.

    Returns:
        BAD, EXACT or HARD, its time (microseconds), its value, where that begins and ends, and where the sample ends.
    """
    status, time_us, end = seconds(data, _next(data, start + 1))
    if status == BAD or not _FIRST_US <= time_us <= _LAST_US:
        return BAD, 0, 0.0, 0, 0, 0
    end = _next(data, end)
    if data[end] != _COMMA:
        return BAD, 0, 0.0, 0, 0, 0
    text = _next(data, end + 1)
    if data[text] != _QUOTE:
        return BAD, 0, 0.0, 0, 0, 0
    status, value, quote = decimal(data, text + 1)
    if status == BAD or data[quote] != _QUOTE:
        return BAD, 0, 0.0, 0, 0, 0
    end = _next(data, quote + 1)
    if data[end] != _CLOSE:
        return BAD, 0, 0.0, 0, 0, 0
    return status, time_us, value, text + 1, quote, end + 1


@compiled
def scan_samples(
    data: NDArray[np.uint8],
    start: int,
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    offsets: NDArray[np.int64],
    hards: NDArray[np.int64],
) -> tuple[int, int]:
    """Read the list whose bracket is at `start`. It has to be JSON, so that it ends with a bracket of its own.

    Args:
        data: a document; some bytes of it follow the list.
        start: where the list begins.
        times: microseconds since 1970; these and the others have room for a sample in every eight bytes of the list.
        values: the values.
        offsets: where in `data` samples begin.
        hards: which samples' values are left to be computed, and where their numbers begin and end.

    Returns:
        How many samples there are (-1: the list is left to others) and how many values are left.
    """
    count = 0
    hard = 0
    position = _next(data, start + 1)
    if data[position] == _CLOSE:
        return 0, 0
    while True:
        if data[position] != _OPEN:
            return -1, 0
        status, time_us, value, text, quote, end = _sample(data, position)
        if status == BAD:
            return -1, 0
        times[count] = time_us
        values[count] = value
        offsets[count] = position
        if status == HARD:
            hards[hard, 0], hards[hard, 1], hards[hard, 2] = count, text, quote
            hard += 1
        count += 1
        position = _next(data, end)
        if data[position] == _CLOSE:
            return count, hard
        if data[position] != _COMMA:
            return -1, 0
        position = _next(data, position + 1)
