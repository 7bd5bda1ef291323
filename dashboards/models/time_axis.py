"""Round marks for the axes of a chart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bucket lengths in seconds; the first that needs at most `_MOST_BUCKETS` is taken.
_LENGTHS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800)
_MOST_BUCKETS: Final = 90
_MOST_TIME_TICKS: Final = 6
_VALUE_TICKS: Final = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, in the axis' unit, and its text."""

    at: float
    text: str


def bucket_seconds(start: datetime, end: datetime) -> int:
    """A round bucket length that cuts the window into at most ninety."""
    seconds = (end - start).total_seconds()
    return next((length for length in _LENGTHS if seconds / length <= _MOST_BUCKETS), _LENGTHS[-1])


def length_in_words(seconds: int) -> str:
    """A bucket length as after "per": `second`, `15 seconds`, `minute`, `2 hours`."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            many = seconds // length
            return unit if many == 1 else f"{many} {unit}s"
    raise ValueError(f"{seconds} is not a whole number of seconds")


def value_ticks(highest: float, write: Callable[[float], str], *, whole: bool = False) -> list[Tick]:
    """Marks from zero to just above `highest`, at steps of 1, 2 or 5 times a power of ten; `whole` for counts."""
    top = highest if highest > 0 else 1.0
    rough = top / _VALUE_TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    return [Tick(step * number, write(step * number)) for number in range(math.ceil(top / step - 1e-9) + 1)]


def time_ticks(start: datetime, end: datetime) -> list[Tick]:
    """Marks on round times of the window, in milliseconds since 1970, with the date where the window is that long."""
    seconds = max(1.0, (end - start).total_seconds())
    step = next((length for length in _LENGTHS if seconds / length <= _MOST_TIME_TICKS), None)
    if step is None:
        step = math.ceil(seconds / _MOST_TIME_TICKS / 86_400) * 86_400
    pattern = (
        "%m-%d" if step >= 86_400 else "%m-%d %H:%M" if seconds > 86_400 else "%H:%M" if step >= 60 else "%H:%M:%S"
    )
    first = math.ceil(start.timestamp() / step) * step
    return [
        Tick(at * 1000.0, datetime.fromtimestamp(at, UTC).strftime(pattern))
        for at in range(first, math.floor(end.timestamp()) + 1, step)
    ]
