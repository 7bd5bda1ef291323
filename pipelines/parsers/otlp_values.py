"""How attribute values become text, alike for protobuf and JSON."""

from __future__ import annotations

import math

import msgspec

_ENCODER = msgspec.json.Encoder()


def double_text(value: float) -> float | str:
    """A double as compact JSON can hold it: `NaN`, `Infinity` and `-Infinity` are strings, as in protobuf's JSON."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def compact_json(value: object) -> str:
    """A value made of dicts, lists, strings, numbers and booleans as JSON without white space, keys as they came."""
    return _ENCODER.encode(value).decode()
