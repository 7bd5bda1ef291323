"""Prometheus sample lists, `[[<seconds>,"<value>"],...]`, as columns of numbers.

The fast way never makes an object per sample: a list's shape is proved by taking every number out of it and comparing
what is left, then the numbers of many lists at once go through Arrow's CSV reader, which cannot merge lines here
because no quote reaches it. A list that does not fit is read sample by sample, so that only its bad samples are lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from pipelines.parsers.result import Reject

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MICROSECONDS = 1_000_000
#: The years 1 to 9999, as far as timestamps can be shown.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800.0, 253_402_300_799.0

_NUMBER_BYTES = b"0123456789+-.eENaInf"
_SHAPE_OF_ONE = b'[,""]'
_WHITE_SPACE = (b" ", b"\t", b"\n", b"\r")
_VALUE = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf)", re.IGNORECASE)
_COLUMNS = {"time": pa.float64(), "value": pa.float64()}


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one or more series: Unix times in microseconds, values, and offsets into the document."""

    times: Integers
    values: Floats
    offsets: Integers


class BadListError(ValueError):
    """Numbers that the fast way cannot read."""


def sample_rows(text: bytes) -> bytes | None:
    """A sample list as CSV lines `seconds,value`, or None where its shape is not exactly that of a sample list."""
    compact = _without_white_space(text)
    count = compact.count(b"[") - 1
    shape = compact.translate(None, _NUMBER_BYTES)
    if shape != b"[" + b",".join([_SHAPE_OF_ONE] * count) + b"]":
        return None
    return compact.replace(b"],[", b"\n").translate(None, b'[]"')


def sample_offsets(text: bytes, base: int) -> Integers:
    """The offset of every sample of a list that has the right shape: each begins with the only `[` it has."""
    brackets = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("["))
    return brackets[1:].astype(np.int64) + base


def read_rows(rows: bytes) -> tuple[Integers, Floats]:
    """Times and values of CSV lines. Raises BadListError where one is no number or no time."""
    try:
        table = csv.read_csv(
            pa.BufferReader(rows),
            # One thread: the caller's workers are the parallelism.
            read_options=csv.ReadOptions(column_names=list(_COLUMNS), use_threads=False),
            parse_options=csv.ParseOptions(quote_char=False),
            convert_options=csv.ConvertOptions(column_types=_COLUMNS, null_values=[], strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise BadListError(str(error)) from None
    seconds = table["time"].to_numpy()
    if not ((seconds >= _FIRST_SECOND) & (seconds <= _LAST_SECOND)).all():
        raise BadListError("a time outside the years 1 to 9999")
    # Prometheus's times are milliseconds: a double holds them to well under a microsecond.
    return np.rint(seconds * _MICROSECONDS).astype(np.int64), table["value"].to_numpy()


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
        seconds, value = msgspec.json.decode(text, type=tuple[float, str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f'a sample is not [seconds, "value"]: {error}') from None
    return time_of(seconds), number_of(value)


def time_of(seconds: float) -> int:
    """Seconds since 1970 as microseconds. Raises ValueError where they cannot be shown as a time."""
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise ValueError(f"a sample's time {seconds} lies outside the years 1 to 9999")
    return round(seconds * _MICROSECONDS)


def number_of(text: str) -> float:
    """A number as Prometheus writes it in a string. Raises ValueError where it is none."""
    if not _VALUE.fullmatch(text):
        raise ValueError(f"a sample's value {text[:64]!r} is not a number")
    return float(text)


def _without_white_space(text: bytes) -> bytes:
    """The same JSON without white space between tokens; white space within strings stays, and then does not fit."""
    if not any(blank in text for blank in _WHITE_SPACE):
        return text
    compact = text.replace(b"], [", b"],[").replace(b', "', b',"')
    return msgspec.json.format(compact, indent=-1) if any(blank in compact for blank in _WHITE_SPACE) else compact
