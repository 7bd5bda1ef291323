"""Prometheus sample lists, `[[<seconds>,"<value>"],...]`, as columns of numbers.

The fast way never makes an object for a sample. A list that is not written as Prometheus writes it is read sample by
sample, so that only its bad samples are lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.parsers.hard_numbers import doubles
from pipelines.parsers.prometheus_lines import FIRST_SECOND, LAST_SECOND, MICROSECONDS
from pipelines.parsers.prometheus_list_kernel import scan_samples
from pipelines.parsers.result import Reject

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Bytes that the compiled reader may look at behind a list.
_SLACK: Final = 8
_SMALLEST_SAMPLE: Final = 8  # `[1,"2"]` and a comma
_SECONDS: Final = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_VALUE: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of a series: Unix times in microseconds, values, and offsets into the source."""

    times: Integers
    values: Floats
    offsets: Integers

    def __len__(self) -> int:
        return len(self.times)


class Document:
    """A document whose sample lists are read one after the other; `base_offset` is its place in the source."""

    __slots__ = ("_base_offset", "_bytes", "_data", "_room")

    def __init__(self, document: bytes, base_offset: int) -> None:
        self._bytes = document
        self._data = np.frombuffer(document, np.uint8)
        self._base_offset = base_offset
        self._room = _room(1 << 12)

    def read(self, start: int, length: int) -> Samples | None:
        """The samples of the JSON list at `start`; None where it is not written as Prometheus writes it."""
        if start + length + _SLACK > len(self._bytes):
            text = self._bytes[start : start + length]
            return self._read(np.frombuffer(text + bytes(_SLACK), np.uint8), text, 0, length, start)
        return self._read(self._data, self._bytes, start, length, 0)

    def _read(self, data: NDArray[np.uint8], text: bytes, start: int, length: int, shift: int) -> Samples | None:
        most = length // _SMALLEST_SAMPLE + 2
        if len(self._room[0]) < most:
            self._room = _room(most)
        times, values, offsets, hards = self._room
        count, hard = scan_samples(data, start, times, values, offsets, hards)
        if count < 0:
            return None
        values[hards[:hard, 0]] = doubles(text, hards[:hard, 1], hards[:hard, 2])
        moved = offsets[:count] + (shift + self._base_offset)
        return Samples(times[:count].copy(), values[:count].copy(), moved)


def _room(samples: int) -> tuple[Integers, Floats, Integers, Integers]:
    times, offsets = np.empty(samples, np.int64), np.empty(samples, np.int64)
    return times, np.empty(samples, np.float64), offsets, np.empty((samples, 3), np.int64)


def read_one_by_one(text: bytes, base: int) -> tuple[Samples, list[Reject]]:
    """The same, sample by sample: the good ones, and a reject with its own JSON text for each bad one."""
    times: list[int] = []
    values: list[float] = []
    offsets: list[int] = []
    rejects: list[Reject] = []
    position = 0
    for raw in msgspec.json.decode(text, type=list[msgspec.Raw]):
        sample = bytes(raw)
        position = text.find(sample, position)
        try:
            time_us, value = _sample(sample)
        except ValueError as error:
            rejects.append(Reject(base + position, str(error), sample))
        else:
            times.append(time_us)
            values.append(value)
            offsets.append(base + position)
        position += len(sample)
    return Samples(np.array(times, np.int64), np.array(values, np.float64), np.array(offsets, np.int64)), rejects


def _sample(text: bytes) -> tuple[int, float]:
    try:
        seconds, value = msgspec.json.decode(text, type=tuple[msgspec.Raw, str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f'a sample is not [seconds, "value"]: {error}') from None
    return time_of(seconds), number_of(value)


def time_of(number: msgspec.Raw) -> int:
    """A JSON number of seconds since 1970 as microseconds. Raises ValueError where it cannot be shown as a time."""
    text = bytes(number)
    if not _SECONDS.fullmatch(text):
        raise ValueError(f"a sample's time {text[:64]!r} is not a number")
    seconds = Decimal(text.decode())
    if not FIRST_SECOND <= seconds <= LAST_SECOND:
        raise ValueError(f"a sample's time {text[:64].decode()} lies outside the years 1 to 9999")
    return round(seconds * MICROSECONDS)


def number_of(text: str) -> float:
    """A number as Prometheus writes it in a string. Raises ValueError where it is none."""
    if not _VALUE.fullmatch(text):
        raise ValueError(f"a sample's value {text[:64]!r} is not a number")
    return float(text)
