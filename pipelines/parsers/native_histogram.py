"""Native (exponential) histograms of Prometheus as bounds and counts.

The lake's form (`HISTOGRAM` in `pipelines/columns.py`): `counts[i]` observations were at most `bounds[i]` and above the
bound before. A gap between two buckets is a bucket that holds nothing, and so is everything up to the first bucket.
Prometheus's own bounds differ in which end belongs to a bucket below zero; a value right on a bound may be off by one
bucket there. Formulas: https://prometheus.io/docs/specs/native_histograms/.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: The finest and the coarsest resolution of the standard: a bucket is `2 ** 2 ** -schema` times as wide as the last.
MIN_SCHEMA: Final = -4
MAX_SCHEMA: Final = 8
#: More buckets than any histogram has: a span of gaps can ask for billions in a few bytes.
MAX_BUCKETS: Final = 100_000
_MAX_INDEX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Histogram:
    """One observation of a histogram; the fields are those of `HISTOGRAM`."""

    count: float
    sum: float | None
    bounds: list[float]
    counts: list[float]


@dataclass(frozen=True, slots=True)
class Bucket:
    """`count` observations above `lower` and up to `upper`."""

    lower: float
    upper: float
    count: float


@dataclass(frozen=True, slots=True)
class Sparse:
    """Buckets of one sign as they are sent: how many indices to leave out and how many follow, and their counts."""

    spans: Sequence[tuple[int, int]]
    counts: Sequence[float]


def histogram_of(count: float, total: float | None, buckets: Iterable[Bucket]) -> Histogram:
    """The histogram of buckets in any order.

    Raises:
        ValueError: buckets overlap, or a bound or count is not a possible one.
    """
    bounds: list[float] = []
    counts: list[float] = []
    for bucket in sorted(buckets, key=lambda each: (each.lower, each.upper)):
        if not bucket.lower <= bucket.upper or not bucket.count >= 0:
            raise ValueError(f"a bucket of {bucket.count} from {bucket.lower} to {bucket.upper}")
        if bounds and bucket.lower < bounds[-1]:
            raise ValueError(f"buckets overlap at {bucket.lower}")
        if not bounds or bucket.lower > bounds[-1]:
            bounds.append(bucket.lower)
            counts.append(0.0)
        bounds.append(bucket.upper)
        counts.append(bucket.count)
    return Histogram(count, total, bounds, counts)


def exponential_buckets(
    schema: int, zero_threshold: float, zero_count: float, positive: Sparse, negative: Sparse
) -> Iterator[Bucket]:
    """The buckets of a histogram that is sent as spans.

    Raises:
        ValueError: the schema is none of the standard's, or spans and counts do not fit one another.
    """
    if not MIN_SCHEMA <= schema <= MAX_SCHEMA:
        raise ValueError(f"schema {schema} is not one of {MIN_SCHEMA} to {MAX_SCHEMA}")
    if not 0 <= zero_threshold < math.inf:
        raise ValueError(f"a zero threshold of {zero_threshold}")
    if zero_count:
        yield Bucket(-zero_threshold, zero_threshold, zero_count)
    for index, count in _indexed(positive):
        yield Bucket(max(_bound(schema, index - 1), zero_threshold), _bound(schema, index), count)
    for index, count in _indexed(negative):
        yield Bucket(-_bound(schema, index), min(-_bound(schema, index - 1), -zero_threshold), count)


def from_deltas(deltas: Sequence[float]) -> list[float]:
    """Counts from the differences between neighbours."""
    return list(accumulate(deltas))


def _indexed(sparse: Sparse) -> Iterator[tuple[int, float]]:
    length = sum(span for _, span in sparse.spans)
    if length != len(sparse.counts) or length > MAX_BUCKETS:
        raise ValueError(f"spans of {length} buckets with {len(sparse.counts)} counts")
    index = 0
    position = 0
    for offset, span in sparse.spans:
        index += offset
        if span < 0 or abs(index) + span > _MAX_INDEX:
            raise ValueError(f"a span of {span} buckets at index {index}")
        for _ in range(span):
            yield index, sparse.counts[position]
            index += 1
            position += 1


def _bound(schema: int, index: int) -> float:
    try:
        return math.pow(2.0, math.ldexp(index, -schema))
    except OverflowError:
        return math.inf
