"""Answers of Prometheus's HTTP API: `query_range` (a matrix) and `query` (a vector).

Read are whole answers (`{"status":"success","data":{...}}`), a bare `data` object and a bare list of series. A record
is a sample; a sample that cannot be read is one reject with its own JSON text, a series that cannot be read (or has no
metric name) is one reject, and so is an answer that is an error or no answer at all. `NaN`, `+Inf` and `-Inf` are
values. Native histogram samples are rejects: `metric_samples` has no column for them yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa

from pipelines.columns import TIMESTAMP
from pipelines.parsers.context import DEFAULT, Context
from pipelines.parsers.limits import BATCH_BYTES, repeat_budget
from pipelines.parsers.prometheus_samples import (
    BadListError,
    Samples,
    read_one_by_one,
    read_rows,
    sample_offsets,
    sample_rows,
)
from pipelines.parsers.result import Parsed, Reject, accepted_schema, completed, reject_table
from pipelines.parsers.row_batches import repeated_maps
from pipelines.schemas import METRIC_SAMPLE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The largest answer read as one document; a query over a shorter range gives smaller ones.
MAX_ANSWER_BYTES = 512 * 1024 * 1024

_SERIES_KINDS = ("matrix", "vector")
_NAME = "__name__"
_ABSENT = msgspec.Raw(b"")
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Data(msgspec.Struct, rename="camel"):
    result: list[msgspec.Raw] | None = None
    result_type: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    status: str | None = None
    data: _Data | None = None
    error_type: str = "unknown"
    error: str = ""
    result: list[msgspec.Raw] | None = None
    result_type: str | None = None


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: msgspec.Raw = _ABSENT
    value: msgspec.Raw = _ABSENT
    histograms: msgspec.Raw = _ABSENT
    histogram: msgspec.Raw = _ABSENT


@dataclass(frozen=True, slots=True)
class _SampleList:
    """The samples of one series as JSON text, and where that text begins in the document."""

    metric: str
    labels: Mapping[str, str]
    text: bytes
    offset: int
    rows: bytes | None


class _NoSeriesError(ValueError):
    """A document or a series that has no samples to give; the message says why and what to do."""


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
    pending: list[_SampleList] = []
    rejects: list[Reject] = []
    budget = repeat_budget(len(document))
    pending_bytes = 0
    for offset, raw in _series_texts(document, base_offset, rejects):
        samples = _sample_list(raw, offset, context.default_metric, rejects)
        if samples is None:
            continue
        label_bytes = sum(len(name) + len(value) for name, value in samples.labels.items())
        weight = label_bytes * samples.text.count(b"[") + len(samples.text)
        if weight > budget:
            reason = f"labels of {label_bytes} bytes, repeated for every sample, would outgrow the memory of this input"
            rejects.append(Reject(offset, reason, raw))
            continue
        budget -= weight
        if pending and pending_bytes + weight > BATCH_BYTES:
            yield _batch(pending, rejects)
            pending, rejects, pending_bytes = [], [], 0
        pending.append(samples)
        pending_bytes += weight
    if pending or rejects:
        yield _batch(pending, rejects)


def _series_texts(document: bytes, base_offset: int, rejects: list[Reject]) -> Iterator[tuple[int, bytes]]:
    """Offset and JSON text of every series; a document without any is added to `rejects`."""
    try:
        texts = _series_of(document)
    except _NoSeriesError as error:
        rejects.append(Reject(base_offset, str(error), document))
        return
    position = 0
    for text in texts:
        raw = bytes(text)
        position = document.find(raw, position)
        yield base_offset + position, raw
        position += len(raw)


def _series_of(document: bytes) -> list[msgspec.Raw]:
    if len(document) > MAX_ANSWER_BYTES:
        raise _NoSeriesError(
            f"an answer of {len(document)} bytes, over the limit of {MAX_ANSWER_BYTES}; ask for a shorter range"
        )
    try:
        if document.lstrip()[:1] == b"[":
            return msgspec.json.decode(document, type=list[msgspec.Raw])
        answer = msgspec.json.decode(document, type=_Answer)
    except _ERRORS as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else error
        raise _NoSeriesError(f"not a Prometheus answer: {said}") from None
    if answer.status == "error":
        raise _NoSeriesError(f"Prometheus answered with an error, {answer.error_type}: {answer.error[:500]}")
    data = answer.data or _Data(answer.result, answer.result_type)
    if data.result_type not in (*_SERIES_KINDS, None):
        raise _NoSeriesError(
            f"an answer of type {data.result_type[:64]!r}: only {' and '.join(_SERIES_KINDS)} are read"
        )
    if data.result is None:
        raise _NoSeriesError("not a Prometheus answer: it has no data.result")
    return data.result


def _sample_list(raw: bytes, offset: int, default_metric: str | None, rejects: list[Reject]) -> _SampleList | None:
    """The samples of a series, None where it has none; what cannot be read is added to `rejects`."""
    try:
        series = msgspec.json.decode(raw, type=_Series)
        histograms = _histograms(series)
        metric = _metric_name(series, default_metric)
    except _ERRORS as error:
        rejects.append(Reject(offset, f"not a Prometheus series: {error}", raw))
        return None
    except _NoSeriesError as error:
        rejects.append(Reject(offset, str(error), raw))
        return None
    reason = "a native histogram sample, of which there is no column yet"
    rejects.extend(Reject(offset, reason, histogram) for histogram in histograms)
    values, value = bytes(series.values), bytes(series.value)
    text = values or b"[" + value + b"]"
    if text.translate(None, b" \t\r\n") == b"[]":
        return None
    # Quotes within strings are escaped in JSON, so that a sample list is found nowhere inside a label.
    start = raw.find(values) if values else raw.find(value) - 1
    labels = {name: value for name, value in series.metric.items() if name != _NAME}
    return _SampleList(metric, labels, text, offset + start, sample_rows(text))


def _metric_name(series: _Series, default_metric: str | None) -> str:
    metric = series.metric.get(_NAME) or default_metric
    if not metric:
        raise _NoSeriesError(
            "a series without __name__, as aggregations give; name the query in a queries.json beside the file "
            "or with --query"
        )
    if series.values == series.value == series.histograms == series.histogram:
        raise _NoSeriesError("a series without values")
    return metric


def _histograms(series: _Series) -> list[bytes]:
    single = [bytes(series.histogram)] if series.histogram != _ABSENT else []
    if series.histograms == _ABSENT:
        return single
    return [bytes(entry) for entry in msgspec.json.decode(series.histograms, type=list[msgspec.Raw])] + single


def _batch(lists: list[_SampleList], rejects: list[Reject]) -> Parsed:
    read = _read_lists(lists, rejects)
    counts = [len(samples.times) for samples in read]
    owners = np.repeat(np.arange(len(lists), dtype=np.int64), counts)
    schema = accepted_schema(METRIC_SAMPLE_FIELDS)
    if not len(owners):
        accepted = schema.empty_table()
    else:
        columns = [
            pa.array(np.concatenate([samples.offsets for samples in read])),
            pa.array([entry.metric for entry in lists], pa.string()).take(pa.array(owners)),
            repeated_maps([entry.labels for entry in lists], owners),
            pa.array(np.concatenate([samples.times for samples in read])).cast(TIMESTAMP),
            pa.array(np.concatenate([samples.values for samples in read])),
        ]
        stated = pa.schema(list(schema)[: len(columns)])
        accepted = completed(pa.table(columns, schema=stated), METRIC_SAMPLE_FIELDS)
    return Parsed(accepted, reject_table(rejects), accepted.num_rows + len(rejects))


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
