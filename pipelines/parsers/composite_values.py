"""Native histograms as a text exposition writes them: `{count:4,sum:3.2,schema:0,...,positive_deltas:[1,1]}`."""

from __future__ import annotations

import re
from typing import Final

from pipelines.parsers.native_histogram import Histogram, Sparse, exponential_buckets, from_deltas, histogram_of

_FIELD: Final = re.compile(r"\s*([a-z_]+)\s*:\s*(\[[^\[\]]*\]|[^\s,\[\]{}]+)\s*(?:,|$)")
_FIELDS: Final = frozenset(
    {"count", "sum", "schema", "zero_threshold", "zero_count"}
    | {f"{sign}_{part}" for sign in ("positive", "negative") for part in ("spans", "deltas", "buckets")}
)


def composite_value(text: str) -> Histogram:
    """Read a histogram between braces.

    Raises:
        ValueError: a field is unknown, missing, double or no number, or buckets do not fit together.
    """
    fields: dict[str, str] = {}
    body = text[1:-1]
    position = 0
    while position < len(body):
        match = _FIELD.match(body, position)
        if match is None or match[1] not in _FIELDS or match[1] in fields:
            raise ValueError(f"a histogram's field {body[position : position + 64]!r} is none, or occurs twice")
        fields[match[1]] = match[2]
        position = match.end()
    missing = {"count", "sum", "schema"} - fields.keys()
    if missing:
        raise ValueError(f"a histogram without {', '.join(sorted(missing))}")
    buckets = exponential_buckets(
        int(fields["schema"]),
        float(fields.get("zero_threshold", "0")),
        float(fields.get("zero_count", "0")),
        _sparse(fields, "positive"),
        _sparse(fields, "negative"),
    )
    return histogram_of(float(fields["count"]), float(fields["sum"]), buckets)


def _sparse(fields: dict[str, str], sign: str) -> Sparse:
    spans = [_span(entry) for entry in _entries(fields, f"{sign}_spans")]
    deltas = [float(entry) for entry in _entries(fields, f"{sign}_deltas")]
    counts = [float(entry) for entry in _entries(fields, f"{sign}_buckets")]
    if deltas and counts:
        raise ValueError(f"a histogram with both {sign}_deltas and {sign}_buckets")
    return Sparse(spans, counts or from_deltas(deltas))


def _entries(fields: dict[str, str], name: str) -> list[str]:
    inner = fields.get(name, "[]")[1:-1].strip()
    return inner.split(",") if inner else []


def _span(entry: str) -> tuple[int, int]:
    offset, colon, length = entry.partition(":")
    if not colon:
        raise ValueError(f"a histogram's span {entry[:64]!r} is not offset:length")
    return int(offset), int(length)
