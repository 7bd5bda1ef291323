"""Native histograms in answers of Prometheus's HTTP API: `[<seconds>, {"count": "2", "sum": "3", ...}]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pipelines.parsers.native_histogram import Bucket, Histogram, histogram_of
from pipelines.parsers.prometheus_samples import number_of, time_of
from pipelines.parsers.result import Reject

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Value(msgspec.Struct):
    count: str
    sum: str
    #: Which bounds belong to the bucket (0: the upper), lower and upper bound, count.
    buckets: list[tuple[int, str, str, str]] = []


def read_histograms(text: bytes, base: int, rejects: list[Reject]) -> Iterator[tuple[int, int, Histogram]]:
    """Offset, time (microseconds) and histogram of every sample of a list; what cannot be read is added to `rejects`.

    Args:
        text: a JSON list of samples.
        base: the list's offset in the source.
        rejects: gets one entry, with its own JSON text, for each bad sample.
    """
    position = 0
    for raw in msgspec.json.decode(text, type=list[msgspec.Raw]):
        sample = bytes(raw)
        position = text.find(sample, position)
        try:
            time_us, histogram = _histogram(sample)
        except (ValueError, RecursionError) as error:
            rejects.append(Reject(base + position, f"a native histogram that cannot be read: {error}", sample))
        else:
            yield base + position, time_us, histogram
        position += len(sample)


def _histogram(sample: bytes) -> tuple[int, Histogram]:
    seconds, value = msgspec.json.decode(sample, type=tuple[msgspec.Raw, _Value])
    buckets = (Bucket(number_of(lower), number_of(upper), number_of(count)) for _, lower, upper, count in value.buckets)
    return time_of(seconds), histogram_of(number_of(value.count), number_of(value.sum), buckets)
