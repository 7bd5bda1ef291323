"""From one OTLP metric, however it was encoded, to Prometheus samples.

A gauge or sum is a sample a point; a histogram a sample a bucket (`_bucket` with `le`), `_sum` and `_count`; an
exponential histogram one sample with a histogram; a summary a sample a quantile, `_sum` and `_count`. Sums and
histograms of delta temporality count since the point before, not since the start: their names end with `_delta`, so
that nobody takes them for counters. Exemplars are kept with the bucket they fall into.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
    DataPointFlags,
)

from pipelines.parsers.native_histogram import MAX_SCHEMA, Histogram, Sparse, exponential_buckets, histogram_of
from pipelines.parsers.otlp_attributes import attribute_map
from pipelines.parsers.otlp_metric_names import labels_of, metric_name, number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, Metric

    #: A data point: one of five classes, alike in attributes, time, flags and exemplars.
    Point = Any

#: What it takes to have counted since the start, and since the point before.
_TEMPORALITIES: Final = {AGGREGATION_TEMPORALITY_CUMULATIVE: "", AGGREGATION_TEMPORALITY_DELTA: "_delta"}
_FIRST_TOO_LATE: Final = 253_402_300_800 * 10**9
_NO_VALUE: Final = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
_MAX_SHIFT: Final = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of `METRIC_SAMPLE_FIELDS`; `histogram` and `exemplars` as these columns have them."""

    metric: str
    labels: Mapping[str, str]
    time_us: int
    value: float
    metric_type: str
    histogram: dict[str, object] | None = None
    exemplars: list[dict[str, object]] | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """What all points of a metric have: the name of their samples, its type, and their resource's labels."""

    name: str
    kind: str
    resource: Mapping[str, str]


def data_points(metric: Metric) -> Sequence[Point]:
    """The data points of a metric; none where it holds nothing that is known."""
    which = metric.WhichOneof("data")
    return getattr(metric, which).data_points if which else ()


def has_no_value(point: Point) -> bool:
    """Whether a point only says that there is none."""
    return bool(point.flags & _NO_VALUE)


def family_of(metric: Metric, resource: Mapping[str, str]) -> Family:
    """What holds for all points of a metric. Raises ValueError where they cannot be samples."""
    which = metric.WhichOneof("data")
    if which is None:
        raise ValueError("a metric without data, or with data of a kind that is not known")
    kind = {"exponential_histogram": "histogram", "sum": "counter"}.get(which, which)
    suffix = ""
    if which in ("sum", "histogram", "exponential_histogram"):
        temporality = getattr(metric, which).aggregation_temporality
        if temporality not in _TEMPORALITIES:
            raise ValueError(f"a {which} of aggregation_temporality {temporality}: since when it counts is not known")
        suffix = _TEMPORALITIES[temporality]
    if which == "sum" and not metric.sum.is_monotonic:
        kind = "gauge"
    # Not a ratio: what goes up and down by steps of one.
    unit = "" if which == "sum" and kind == "gauge" and metric.unit == "1" else metric.unit
    name = metric_name(metric.name, unit, kind)
    if not name:
        raise ValueError(f"a metric whose name is {metric.name[:64]!r}")
    return Family(name + suffix, "delta" if suffix else kind, resource)


def samples_of(metric: Metric, family: Family, point: Point) -> Iterator[Sample]:
    """The samples of one point. Raises ValueError where it is none, before the first."""
    which = metric.WhichOneof("data") or ""
    time_us = _time_us(point.time_unix_nano)
    labels = labels_of(attribute_map(point.attributes), family.resource)
    return _READERS[which](family, labels, time_us, point)


def _number(family: Family, labels: dict[str, str], time_us: int, point: Point) -> Iterator[Sample]:
    if point.WhichOneof("value") is None:
        raise ValueError("a data point without a value")
    exemplars = [_exemplar(each) for each in point.exemplars] or None
    value = float(getattr(point, point.WhichOneof("value")))
    return iter([Sample(family.name, labels, time_us, value, family.kind, exemplars=exemplars)])


def _histogram(family: Family, labels: dict[str, str], time_us: int, point: Point) -> Iterator[Sample]:
    bounds, counts = list(point.explicit_bounds), list(point.bucket_counts)
    if len(counts) != len(bounds) + 1 and (counts or bounds):
        raise ValueError(f"a histogram of {len(counts)} counts and {len(bounds)} bounds")
    if any(not earlier < later for earlier, later in pairwise(bounds)):
        raise ValueError("a histogram whose bounds do not rise")
    if counts and sum(counts) != point.count:
        raise ValueError(f"a histogram of {point.count} whose buckets hold {sum(counts)}")
    # Without buckets it is one, of all that there is.
    cumulative = list(accumulate(counts)) or [point.count]
    remembered: list[list[dict[str, object]]] = [[] for _ in cumulative]
    for each in point.exemplars:
        exemplar = _exemplar(each)
        remembered[bisect.bisect_left(bounds, _exemplar_value(each))].append(exemplar)
    return _buckets(family, labels, time_us, point, [*bounds, math.inf], cumulative, remembered)


def _buckets(
    family: Family,
    labels: dict[str, str],
    time_us: int,
    point: Point,
    bounds: list[float],
    cumulative: list[int],
    remembered: list[list[dict[str, object]]],
) -> Iterator[Sample]:
    for bound, count, exemplars in zip(bounds, cumulative, remembered, strict=True):
        found = labels | {"le": number_text(bound)}
        yield Sample(f"{family.name}_bucket", found, time_us, float(count), family.kind, exemplars=exemplars or None)
    yield from _sum_and_count(family, labels, time_us, point, has_sum=point.HasField("sum"))


def _exponential(family: Family, labels: dict[str, str], time_us: int, point: Point) -> Iterator[Sample]:
    shift = max(0, point.scale - MAX_SCHEMA)
    buckets = exponential_buckets(
        point.scale - shift,
        point.zero_threshold,
        float(point.zero_count),
        _coarser(point.positive.offset, point.positive.bucket_counts, shift),
        _coarser(point.negative.offset, point.negative.bucket_counts, shift),
    )
    histogram: Histogram = histogram_of(float(point.count), point.sum if point.HasField("sum") else None, buckets)
    exemplars = [_exemplar(each) for each in point.exemplars] or None
    value = float(point.count)
    return iter([Sample(family.name, labels, time_us, value, family.kind, asdict(histogram), exemplars)])


def _coarser(offset: int, counts: Sequence[int], shift: int) -> Sparse:
    """Buckets `2 ** shift` times as wide, numbered as Prometheus does: by the upper bound, OTLP by the lower."""
    if not counts:
        return Sparse([], [])
    shift = min(shift, _MAX_SHIFT)
    first = offset >> shift
    merged = [0.0] * (((offset + len(counts) - 1) >> shift) - first + 1)
    for place, count in enumerate(counts):
        merged[((offset + place) >> shift) - first] += count
    return Sparse([(first + 1, len(merged))], merged)


def _summary(family: Family, labels: dict[str, str], time_us: int, point: Point) -> Iterator[Sample]:
    for each in point.quantile_values:
        found = labels | {"quantile": number_text(each.quantile)}
        yield Sample(family.name, found, time_us, each.value, family.kind)
    yield from _sum_and_count(family, labels, time_us, point, has_sum=True)


def _sum_and_count(
    family: Family, labels: dict[str, str], time_us: int, point: Point, *, has_sum: bool
) -> Iterator[Sample]:
    if has_sum:
        yield Sample(f"{family.name}_sum", labels, time_us, point.sum, family.kind)
    yield Sample(f"{family.name}_count", labels, time_us, float(point.count), family.kind)


_READERS: Final[dict[str, Callable[[Family, dict[str, str], int, Point], Iterator[Sample]]]] = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}


def _time_us(nanoseconds: int) -> int:
    if not 0 < nanoseconds < _FIRST_TOO_LATE:
        raise ValueError(f"time_unix_nano is {nanoseconds}: the data point has no time")
    return nanoseconds // 1_000


def _exemplar_value(exemplar: Exemplar) -> float:
    which = exemplar.WhichOneof("value")
    return float(getattr(exemplar, which)) if which else 0.0


def _exemplar(exemplar: Exemplar) -> dict[str, object]:
    nanoseconds = exemplar.time_unix_nano
    if nanoseconds >= _FIRST_TOO_LATE:
        raise ValueError(f"an exemplar whose time_unix_nano is {nanoseconds}")
    return {
        "time": nanoseconds // 1_000 or None,
        "value": _exemplar_value(exemplar),
        "trace_id": exemplar.trace_id.hex() or None,
        "span_id": exemplar.span_id.hex() or None,
        "labels": sorted(labels_of(attribute_map(exemplar.filtered_attributes), {}).items()),
    }
