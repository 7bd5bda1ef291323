"""Durations as Istio's objects write them: `1h2m3.5s`, `250ms`."""

from __future__ import annotations

import re
from typing import Final

_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_MILLISECONDS: Final = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}


def duration_ms(value: object) -> float | None:
    """The milliseconds of a duration (Go's `time.ParseDuration`, positive); null for what is none."""
    if not isinstance(value, str):
        return None
    parts = _PART.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return None
    return sum(float(number) * _MILLISECONDS[unit] for number, unit in parts)


def shown(milliseconds: float) -> str:
    """A duration in words: `250 ms`, `3 s`."""
    return f"{milliseconds:g} ms" if milliseconds < 1000 else f"{milliseconds / 1000:g} s"
