"""Answers of Prometheus's HTTP API: `query_range` (a matrix) and `query` (a vector or a scalar).

Read are whole answers (`{"status":"success","data":{...}}`), a bare `data` object and a bare list of series. A record
is a sample; a sample that cannot be read is one reject with its own JSON text, a series that cannot be read (or has no
metric name) is one reject, and so is an answer that is an error or no answer at all. `NaN`, `+Inf` and `-Inf` are
values. Native histograms (`histogram`, `histograms`) are rows with bounds and counts, their `value` the count.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa

from pipelines.columns import TIMESTAMP
from pipelines.parsers.context import DEFAULT, Context
from pipelines.parsers.limits import BATCH_BYTES, repeat_budget
from pipelines.parsers.prometheus_answers import NoSeriesError, series_texts
from pipelines.parsers.prometheus_histograms import read_histograms
from pipelines.parsers.prometheus_samples import (
    BadListError,
    Samples,
    read_one_by_one,
    read_rows,
    sample_offsets,
    sample_rows,
)
from pipelines.parsers.result import Parsed, Reject, accepted_schema, completed, reject_table
from pipelines.parsers.row_batches import RowBatches, repeated_maps
from pipelines.schemas import METRIC_SAMPLE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME = "__name__"
_ABSENT = msgspec.Raw(b"")
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: msgspec.Raw = _ABSENT
    value: msgspec.Raw = _ABSENT
    histograms: msgspec.Raw = _ABSENT
    histogram: msgspec.Raw = _ABSENT


@dataclass(frozen=True, slots=True)
class _SampleList:
    """The samples of one series as JSON text, and where that text begins in the source."""

    metric: str
    labels: Mapping[str, str]
    text: bytes
    offset: int
    rows: bytes | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What one series has: plain samples, histograms as JSON text and its offset, and about how many bytes of rows."""

    metric: str
    labels: Mapping[str, str]
    samples: _SampleList | None
    histograms: bytes
    histograms_offset: int
    weight: int


@dataclass(slots=True)
class _Batch:
    """Samples that become one table; a bad one is in `rejects`."""

    lists: list[_SampleList] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    bytes: int = 0
    _histograms: RowBatches = field(default_factory=lambda: RowBatches(accepted_schema(METRIC_SAMPLE_FIELDS)))
    _histogram_rows: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.lists or self.rejects or self._histogram_rows)

    def add(self, found: _Found) -> None:
        self.bytes += found.weight
        if found.samples is not None:
            self.lists.append(found.samples)
        if found.histograms == b"[]":
            return
        for offset, time_us, histogram in read_histograms(found.histograms, found.histograms_offset, self.rejects):
            row = (offset, found.metric, found.labels, time_us, histogram.count, None, asdict(histogram), None)
            self._histograms.append(row, 16 * len(histogram.bounds) + 64)
            self._histogram_rows += 1

    def parsed(self) -> Parsed:
        samples = _sample_table(self.lists, self.rejects)
        accepted = pa.concat_tables([samples, self._histograms.table()]) if self._histogram_rows else samples
        return Parsed(accepted, reject_table(self.rejects), accepted.num_rows + len(self.rejects))


def parse_prometheus_range(document: bytes, base_offset: int, context: Context = DEFAULT) -> Parsed:
    """Read one answer. `context.default_metric` names series that have no `__name__`, as aggregated ones have not."""
    batches = list(prometheus_batches(document, base_offset, context))
    if not batches:
        return Parsed.empty(METRIC_SAMPLE_FIELDS)
    accepted = pa.concat_tables([batch.accepted for batch in batches])
    rejected = pa.concat_tables([batch.rejected for batch in batches])
    return Parsed(accepted, rejected, sum(batch.read for batch in batches))


def prometheus_batches(document: bytes, base_offset: int, context: Context = DEFAULT) -> Iterator[Parsed]:
    """The same in pieces of bounded size: labels, written once a series in JSON, are repeated for every sample."""
    batch = _Batch()
    budget = repeat_budget(len(document))
    try:
        for text in series_texts(document):
            offset = base_offset + text.offset
            try:
                series = _scalar(text.raw) if text.is_scalar else msgspec.json.decode(text.raw, type=_Series)
                found = _samples(series, text.raw, offset, _metric_name(series, context.default_metric))
                _check(found, budget)
            except NoSeriesError as error:
                batch.rejects.append(Reject(offset, str(error), text.raw))
                continue
            except _ERRORS as error:
                batch.rejects.append(Reject(offset, f"not a Prometheus series: {error}", text.raw))
                continue
            if batch.bytes and batch.bytes + found.weight > BATCH_BYTES:
                yield batch.parsed()
                batch = _Batch()
            budget -= found.weight
            batch.add(found)
    except NoSeriesError as error:
        batch.rejects.append(Reject(base_offset, str(error), document))
    if not batch.is_empty:
        yield batch.parsed()


def _scalar(sample: bytes) -> _Series:
    return _Series({}, value=msgspec.Raw(sample))


def _samples(series: _Series, raw: bytes, offset: int, metric: str) -> _Found:
    """The samples of a series. Quotes in strings are escaped, so that a sample list is found nowhere inside a label."""
    labels = {name: value for name, value in series.metric.items() if name != _NAME}
    values, value = bytes(series.values), bytes(series.value)
    text = values or b"[" + value + b"]"
    start = raw.find(values) if values else raw.find(value) - 1
    listed, single = bytes(series.histograms), bytes(series.histogram)
    histograms = listed or b"[" + single + b"]"
    at = raw.find(listed) if listed else raw.find(single) - 1
    label_bytes = sum(len(name) + len(value) for name, value in labels.items())
    # Every sample has a bracket of its own; a histogram has one for each bucket, too.
    weight = label_bytes * (text.count(b"[") + histograms.count(b"[")) + len(text) + len(histograms)
    is_empty = text.translate(None, b" \t\r\n") == b"[]"
    samples = None if is_empty else _SampleList(metric, labels, text, offset + start, sample_rows(text))
    return _Found(metric, labels, samples, histograms, offset + at, weight)


def _check(found: _Found, budget: int) -> None:
    if found.weight > budget:
        label_bytes = sum(len(name) + len(value) for name, value in found.labels.items())
        raise NoSeriesError(
            f"labels of {label_bytes} bytes, repeated for every sample, would outgrow the memory of this input"
        )


def _metric_name(series: _Series, default_metric: str | None) -> str:
    metric = series.metric.get(_NAME) or default_metric
    if not metric:
        raise NoSeriesError(
            "a series without __name__, as aggregations give; name the query in a queries.json beside the file "
            "or with --query"
        )
    if series.values == series.value == series.histograms == series.histogram:
        raise NoSeriesError("a series without values")
    return metric


def _sample_table(lists: list[_SampleList], rejects: list[Reject]) -> pa.Table:
    read = _read_lists(lists, rejects) if lists else []
    counts = [len(samples.times) for samples in read]
    owners = np.repeat(np.arange(len(lists), dtype=np.int64), counts)
    schema = accepted_schema(METRIC_SAMPLE_FIELDS)
    if not len(owners):
        return schema.empty_table()
    columns = [
        pa.array(np.concatenate([samples.offsets for samples in read])),
        pa.array([entry.metric for entry in lists], pa.string()).take(pa.array(owners)),
        repeated_maps([entry.labels for entry in lists], owners),
        pa.array(np.concatenate([samples.times for samples in read])).cast(TIMESTAMP),
        pa.array(np.concatenate([samples.values for samples in read])),
    ]
    stated = pa.schema(list(schema)[: len(columns)])
    return completed(pa.table(columns, schema=stated), METRIC_SAMPLE_FIELDS)


def _read_lists(lists: list[_SampleList], rejects: list[Reject]) -> list[Samples]:
    """All lists through one reader; where one does not fit, the halves apart, down to the list that does not."""
    read = _read_together(lists)
    if read is not None:
        return read
    if len(lists) > 1:
        middle = len(lists) // 2
        return _read_lists(lists[:middle], rejects) + _read_lists(lists[middle:], rejects)
    return [_read_alone(entry, rejects) for entry in lists]


def _read_together(lists: list[_SampleList]) -> list[Samples] | None:
    """All lists through one reader; None where any list does not fit."""
    rows = [entry.rows for entry in lists if entry.rows is not None]
    if len(rows) < len(lists) or not rows:
        return None
    try:
        times, values = read_rows(b"\n".join(rows))
    except BadListError:
        return None
    offsets = [sample_offsets(entry.text, entry.offset) for entry in lists]
    ends = np.cumsum([len(entry) for entry in offsets])
    if ends[-1] != len(times):
        return None
    bounds = zip(ends - [len(entry) for entry in offsets], ends, offsets, strict=True)
    return [Samples(times[start:end], values[start:end], at) for start, end, at in bounds]


def _read_alone(entry: _SampleList, rejects: list[Reject]) -> Samples:
    try:
        samples, bad = read_one_by_one(entry.text, entry.offset)
    except _ERRORS as error:
        rejects.append(Reject(entry.offset, f"a series' values are no list of samples: {error}", entry.text))
        return Samples(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
    rejects.extend(bad)
    return samples
