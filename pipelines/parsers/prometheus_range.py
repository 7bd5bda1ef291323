"""Answers of Prometheus's HTTP API: `query_range` (a matrix) and `query` (a vector or a scalar).

Read are whole answers (`{"status":"success","data":{...}}`), a bare `data` object and a bare list of series. A record
is a sample; a sample that cannot be read is one reject with its own JSON text, a series that cannot be read (or has no
metric name) is one reject, and so is an answer that is an error or no answer at all. `NaN`, `+Inf` and `-Inf` are
values. Native histograms (`histogram`, `histograms`) are rows with bounds and counts, their `value` the count.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import pyarrow as pa

from pipelines.columns import TIMESTAMP
from pipelines.parsers.context import DEFAULT, Context
from pipelines.parsers.json_pieces import JSON_ERRORS, offset_within
from pipelines.parsers.limits import BATCH_BYTES, repeat_budget
from pipelines.parsers.prometheus_answers import SCALAR, NoSeriesError, series_texts
from pipelines.parsers.prometheus_histograms import read_histograms
from pipelines.parsers.prometheus_samples import Document, Samples, read_one_by_one
from pipelines.parsers.result import Parsed, Reject, accepted_schema, completed, reject_table
from pipelines.parsers.row_batches import RowBatches, repeated_maps
from pipelines.schemas import METRIC_SAMPLE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelines.parsers.native_histogram import Histogram

_NAME: Final = "__name__"
_ABSENT: Final = msgspec.Raw(b"")
#: What a histogram's bound and count take, and what a row without its labels does.
_BOUND_BYTES: Final = 16
_ROW_BYTES: Final = 64


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: msgspec.Raw = _ABSENT
    value: msgspec.Raw = _ABSENT
    histograms: msgspec.Raw = _ABSENT
    histogram: msgspec.Raw = _ABSENT


@dataclass(slots=True)
class _Found:
    """What one series has: samples, histograms (offset, microseconds, histogram), and rejects for the bad ones."""

    metric: str
    labels: Mapping[str, str]
    samples: list[Samples] = field(default_factory=list)
    histograms: list[tuple[int, int, Histogram]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(map(len, self.samples)) + len(self.histograms)

    @property
    def label_bytes(self) -> int:
        return sum(len(name) + len(value) for name, value in self.labels.items())

    @property
    def weight(self) -> int:
        """About how many bytes its rows take."""
        bounds = sum(len(histogram.bounds) for _, _, histogram in self.histograms)
        return (self.label_bytes + _ROW_BYTES) * self.rows + _BOUND_BYTES * bounds


@dataclass(slots=True)
class _Batch:
    """Series that become one table."""

    found: list[_Found] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    bytes: int = 0

    def parsed(self) -> Parsed:
        tables = [_sample_table(self.found)]
        if any(each.histograms for each in self.found):
            tables.append(_histogram_table(self.found))
        accepted = pa.concat_tables(tables)
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
    try:
        pieces, kind = series_texts(document)
    except NoSeriesError as error:
        yield Parsed(_sample_table([]), reject_table([Reject(base_offset, str(error), document)]), 1)
        return
    reader = Document(document, base_offset)
    batch = _Batch()
    budget = repeat_budget(len(document))
    for piece in pieces:
        offset = base_offset + offset_within(piece, document)
        try:
            series = _Series({}, value=piece) if kind == SCALAR else msgspec.json.decode(piece, type=_Series)
            metric = _metric_name(series, context.default_metric)
            found = _read_series(series, metric, document, base_offset, reader)
            _check(found, budget)
        except NoSeriesError as error:
            batch.rejects.append(Reject(offset, str(error), bytes(piece)))
            continue
        except JSON_ERRORS as error:
            batch.rejects.append(Reject(offset, f"not a Prometheus series: {error}", bytes(piece)))
            continue
        budget -= found.weight
        if batch.bytes and batch.bytes + found.weight > BATCH_BYTES:
            yield batch.parsed()
            batch = _Batch()
        batch.bytes += found.weight
        batch.found.append(found)
        batch.rejects += found.rejects
    if batch.found or batch.rejects:
        yield batch.parsed()


def _read_series(series: _Series, metric: str, document: bytes, base_offset: int, reader: Document) -> _Found:
    found = _Found(metric, {name: value for name, value in series.metric.items() if name != _NAME})
    if series.values != _ABSENT:
        samples = reader.read(offset_within(series.values, document), len(memoryview(series.values)))
        if samples is None:
            samples = _one_by_one(bytes(series.values), base_offset + offset_within(series.values, document), found)
        found.samples.append(samples)
    if series.value != _ABSENT:
        found.samples.append(_one_by_one(*_as_list(series.value, document, base_offset), found))
    if series.histograms != _ABSENT:
        at = base_offset + offset_within(series.histograms, document)
        found.histograms += read_histograms(bytes(series.histograms), at, found.rejects)
    if series.histogram != _ABSENT:
        found.histograms += read_histograms(*_as_list(series.histogram, document, base_offset), found.rejects)
    return found


def _as_list(sample: msgspec.Raw, document: bytes, base_offset: int) -> tuple[bytes, int]:
    """A list of one sample, and where it would begin in the source."""
    return b"[" + bytes(sample) + b"]", base_offset + offset_within(sample, document) - 1


def _one_by_one(text: bytes, offset: int, found: _Found) -> Samples:
    try:
        samples, bad = read_one_by_one(text, offset)
    except JSON_ERRORS as error:
        found.rejects.append(Reject(offset, f"a series' values are no list of samples: {error}", text))
        return Samples(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
    found.rejects += bad
    return samples


def _check(found: _Found, budget: int) -> None:
    if found.weight > budget:
        raise NoSeriesError(
            f"labels of {found.label_bytes} bytes, repeated for every sample, would outgrow the memory of this input"
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


def _sample_table(found: list[_Found]) -> pa.Table:
    schema = accepted_schema(METRIC_SAMPLE_FIELDS)
    lists = [(each, samples) for each in found for samples in each.samples if len(samples)]
    if not lists:
        return schema.empty_table()
    owners = np.repeat(np.arange(len(lists), dtype=np.int64), [len(samples) for _, samples in lists])
    columns = [
        pa.array(np.concatenate([samples.offsets for _, samples in lists])),
        pa.array([each.metric for each, _ in lists], pa.string()).take(pa.array(owners)),
        repeated_maps([each.labels for each, _ in lists], owners),
        pa.array(np.concatenate([samples.times for _, samples in lists])).cast(TIMESTAMP),
        pa.array(np.concatenate([samples.values for _, samples in lists])),
    ]
    stated = pa.schema(list(schema)[: len(columns)])
    return completed(pa.table(columns, schema=stated), METRIC_SAMPLE_FIELDS)


def _histogram_table(found: list[_Found]) -> pa.Table:
    rows = RowBatches(accepted_schema(METRIC_SAMPLE_FIELDS))
    for each in found:
        for offset, time_us, histogram in each.histograms:
            row = (offset, each.metric, each.labels, time_us, histogram.count, None, asdict(histogram), None)
            rows.append(row, each.label_bytes + _BOUND_BYTES * len(histogram.bounds))
    return rows.table()
