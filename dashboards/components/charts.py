"""Charts over time: calls with their failures, latency quantiles, error rates, against a baseline if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import streamlit as st

from dashboards.components.files import script, style
from dashboards.models import formats
from dashboards.models.rows import Row, moment, real
from dashboards.models.time_axis import length_in_words, time_ticks, value_ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Colour: TypeAlias = Literal["blue", "red", "orange", "gray"]

HEIGHT: Final = 210


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time to shade, and a level to compare with, in the unit of the chart."""

    start: datetime
    end: datetime
    level: float
    level_label: str


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or one layer of stacked bars."""

    label: str
    colour: Colour
    values: Sequence[float | None]
    dashed: bool = False


def traffic(rows: Sequence[Row], seconds: int, key: str) -> None:
    """Calls a bucket, the failed ones in red."""
    errors = [real(row, "errors") or 0.0 for row in rows]
    answered = [(real(row, "calls") or 0.0) - failed for row, failed in zip(rows, errors, strict=True)]
    layers = [Series("answered", "blue", answered), Series("failed", "red", errors)]
    _chart(f"Calls per {length_in_words(seconds)}", "bars", rows, seconds, layers, formats.count, key, None)


def latency(rows: Sequence[Row], seconds: int, key: str, band: Band | None = None) -> None:
    """The median, 95th and 99th percentile a bucket."""
    lines = [
        Series("p50", "blue", [real(row, "p50_ms") for row in rows]),
        Series("p95", "orange", [real(row, "p95_ms") for row in rows]),
        Series("p99", "gray", [real(row, "p99_ms") for row in rows], dashed=True),
    ]
    _chart("Latency of HTTP and gRPC", "lines", rows, seconds, lines, formats.duration, key, band)


def error_rate(rows: Sequence[Row], seconds: int, key: str, band: Band | None = None) -> None:
    """Failed calls as a share of all, a bucket."""
    lines = [Series("error rate", "red", [real(row, "error_rate") for row in rows])]
    _chart(f"Error rate per {length_in_words(seconds)}", "lines", rows, seconds, lines, formats.percent, key, band)


def _chart(
    title: str,
    kind: Literal["bars", "lines"],
    rows: Sequence[Row],
    seconds: int,
    series: Sequence[Series],
    write: Callable[[float | None], str],
    key: str,
    band: Band | None,
) -> None:
    starts = [start for row in rows if (start := moment(row, "bucket"))]
    begin, end = starts[0], starts[-1] + timedelta(seconds=seconds)
    values = [value or 0.0 for line in series for value in line.values]
    if kind == "bars":
        values = [sum(layer.values[index] or 0.0 for layer in series) for index in range(len(rows))]
    highest = max([*values, band.level * 1.1 if band else 0.0])
    ticks = value_ticks(
        highest, lambda value: write(value).replace(".0 %", " %").replace(".00 s", " s"), whole=kind == "bars"
    )
    data = {
        "title": title,
        "kind": kind,
        "height": HEIGHT,
        "begin": begin.timestamp() * 1000,
        "end": end.timestamp() * 1000,
        "top": ticks[-1].at,
        "times": [start.timestamp() * 1000 for start in starts],
        "step": seconds * 1000,
        "time_texts": [formats.time(start).removesuffix(".000") for start in starts],
        "series": [
            {
                "label": line.label,
                "colour": line.colour,
                "dashed": line.dashed,
                "values": list(line.values),
                "texts": [write(value) for value in line.values],
            }
            for line in series
        ],
        "value_ticks": [{"at": tick.at, "text": tick.text} for tick in ticks],
        "time_ticks": [{"at": tick.at, "text": tick.text} for tick in time_ticks(begin, end)],
        "band": None if band is None else _band(band),
    }
    mount = st.components.v2.component(
        "meshlens_timeline", html='<div class="ml"></div>', css=style("timeline"), js=script("timeline")
    )
    mount(key=key, data=data)


def _band(band: Band) -> dict[str, object]:
    return {
        "begin": band.start.timestamp() * 1000,
        "end": band.end.timestamp() * 1000,
        "level": band.level,
        "label": band.level_label,
    }
