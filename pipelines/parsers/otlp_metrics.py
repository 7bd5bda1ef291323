"""OTLP metrics, as length-delimited `ExportMetricsServiceRequest` protobuf or as OTLP/JSON, one request a line.

A record is a Prometheus sample; `source_offset` is where its metric's own bytes begin. A data point that cannot be read
is one reject with its own bytes, a metric that cannot be read is one. A point that says that there is no value any more
is no record.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import msgspec
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from pipelines.parsers.limits import MAX_MESSAGE_BYTES, MAX_REJECTS_PER_MESSAGE, MAX_SPAN_BYTES, repeat_budget
from pipelines.parsers.otlp_json import KeyValue, attribute_map
from pipelines.parsers.otlp_metric_names import resource_labels
from pipelines.parsers.otlp_metric_points import data_points, family_of, has_no_value, samples_of
from pipelines.parsers.otlp_requests import read_requests
from pipelines.parsers.otlp_wire import METRICS
from pipelines.parsers.result import Parsed, Reject, accepted_schema, reject_table
from pipelines.parsers.row_batches import RowBatches
from pipelines.schemas import METRIC_SAMPLE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.parsers.context import Context
    from pipelines.parsers.otlp_metric_points import Family, Point, Sample

_NOTHING: Final = msgspec.Raw(b"null")
_GIVEN_UP: Final = f"more than {MAX_REJECTS_PER_MESSAGE} metrics of this line cannot be read; the rest was given up"
_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class MetricRows:
    """Collects samples and rejects of one chunk. `read` counts both, `others` points without a value."""

    __slots__ = ("_budget", "_rejects", "_rows", "others", "read")

    def __init__(self, chunk_bytes: int) -> None:
        self._rows = RowBatches(accepted_schema(METRIC_SAMPLE_FIELDS))
        self._rejects: list[Reject] = []
        self._budget = repeat_budget(chunk_bytes)
        self.read = 0
        self.others = 0

    def resource(self, attributes: Mapping[str, str | None], _encoded_bytes: int, /) -> dict[str, str]:
        """What samples have of their resource: labels."""
        return resource_labels(attributes)

    def read_record(self, source_offset: int, raw: bytes, resource: dict[str, str], /) -> None:
        """Decode a metric and accept its samples. Raises ValueError where it is none, with nothing counted."""
        try:
            metric = Metric.FromString(raw)
        except DecodeError as error:
            raise ValueError(f"not a valid OTLP metric: {error}") from None
        self.add(source_offset, metric, resource)

    def add(self, source_offset: int, metric: Metric, resource: dict[str, str]) -> None:
        """Accept the samples of a metric; its bad points are rejects. Raises ValueError where it holds none at all."""
        family = family_of(metric, resource)
        for point in data_points(metric):
            if has_no_value(point):
                self.others += 1
                continue
            try:
                self._add_point(source_offset, metric, family, point)
            except ValueError as error:
                self.reject(source_offset, f"{family.name}: {error}", point.SerializeToString())

    def reject(self, source_offset: int, reason: str, raw: bytes, /) -> None:
        """Record something that holds no sample that can be read, or an unknown number of them, as one reject."""
        self._rejects.append(Reject(source_offset, reason, raw))
        self.read += 1

    def parsed(self) -> Parsed:
        """The outcome of the chunk."""
        return Parsed(self._rows.table(), reject_table(self._rejects), self.read, self.others)

    def _add_point(self, source_offset: int, metric: Metric, family: Family, point: Point) -> None:
        samples = list(samples_of(metric, family, point))
        text_bytes = _text_bytes(samples[0]) if samples else 0
        if text_bytes * len(samples) > self._budget:
            raise ValueError(
                f"its labels ({text_bytes} bytes) have been repeated for so many samples that this chunk would outgrow "
                "its memory; send smaller requests or fewer attributes"
            )
        self._budget -= text_bytes * len(samples)
        for each in samples:
            row = (
                source_offset,
                each.metric,
                each.labels,
                each.time_us,
                each.value,
                each.metric_type,
                each.histogram,
                each.exemplars,
            )
            self._rows.append(row, text_bytes)
            self.read += 1


def _text_bytes(sample: Sample) -> int:
    return len(sample.metric) + sum(len(name) + len(value) for name, value in sample.labels.items())


def parse_otlp_metrics(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Read varint-length-delimited `ExportMetricsServiceRequest` messages; `chunk` begins at a length prefix."""
    rows = MetricRows(len(chunk))
    read_requests(chunk, base_offset, METRICS, rows)
    return rows.parsed()


class _Resource(msgspec.Struct):
    attributes: list[KeyValue] | None = None


class _ScopeMetrics(msgspec.Struct):
    metrics: list[msgspec.Raw] | None = None


class _ResourceMetrics(msgspec.Struct, rename="camel"):
    resource: msgspec.Raw = _NOTHING
    scope_metrics: list[_ScopeMetrics] | None = None


class _Request(msgspec.Struct, rename="camel"):
    resource_metrics: list[_ResourceMetrics] | None = None


_REQUESTS: Final = msgspec.json.Decoder(_Request)
# Not strict: 64-bit integers come as strings.
_RESOURCES: Final = msgspec.json.Decoder(_Resource | None, strict=False)


def parse_otlp_metrics_json(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Read OTLP/JSON, one `ExportMetricsServiceRequest` a line; empty lines are no records."""
    rows = MetricRows(len(chunk))
    offset = 0
    while offset < len(chunk):
        newline = chunk.find(b"\n", offset)
        end = len(chunk) if newline < 0 else newline
        line = chunk[offset:end].lstrip(b" \t\r")
        if line:
            _read_line(line.rstrip(b" \t\r"), base_offset + end - len(line), rows)
        offset = end + 1
    return rows.parsed()


def _read_line(line: bytes, source_offset: int, rows: MetricRows) -> None:
    if len(line) > MAX_MESSAGE_BYTES:
        rows.reject(source_offset, f"a line of {len(line)} bytes, over the limit of {MAX_MESSAGE_BYTES}", line)
        return
    try:
        request = _REQUESTS.decode(line)
        blocks = [(_resource(block), _metrics(block)) for block in request.resource_metrics or ()]
    except _ERRORS as error:
        rows.reject(source_offset, f"not an OTLP/JSON metrics request: {_said(error)}", line)
        return
    if request.resource_metrics is None:
        rows.reject(source_offset, "not an OTLP/JSON metrics request: it has no resourceMetrics", line)
        return
    rejected = position = 0
    for resource, metrics in blocks:
        for each in metrics:
            raw = bytes(each)
            position = line.find(raw, position)
            offset = source_offset + position
            position += len(raw)
            try:
                rows.add(offset, _metric(raw), resource)
            except _ERRORS as error:
                rejected += 1
                if rejected > MAX_REJECTS_PER_MESSAGE:
                    rows.reject(source_offset, _GIVEN_UP, line)
                    return
                rows.reject(offset, f"not a valid OTLP/JSON metric: {_said(error)}", raw)


def _resource(block: _ResourceMetrics) -> dict[str, str]:
    message = _RESOURCES.decode(bytes(block.resource))
    return resource_labels(attribute_map(message.attributes if message else None))


def _metrics(block: _ResourceMetrics) -> list[msgspec.Raw]:
    return [metric for scope in block.scope_metrics or () for metric in scope.metrics or ()]


def _metric(raw: bytes) -> Metric:
    if len(raw) > MAX_SPAN_BYTES:
        raise ValueError(f"{len(raw)} bytes, over the limit of {MAX_SPAN_BYTES}")
    value = msgspec.json.decode(raw)
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the text is wrong, not a caller
    for data in value.values():
        points = data.get("dataPoints") if isinstance(data, dict) else None
        for point in points if isinstance(points, list) else ():
            _read_ids(point)
    try:
        return ParseDict(value, Metric(), ignore_unknown_fields=True)
    except ParseError as error:
        raise ValueError(str(error)) from None


def _read_ids(point: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """OTLP/JSON writes ids in hexadecimal, where protobuf's JSON has base64."""
    exemplars = point.get("exemplars") if isinstance(point, dict) else None
    for exemplar in exemplars if isinstance(exemplars, list) else ():
        for key in ("traceId", "spanId"):
            if isinstance(exemplar, dict) and isinstance(exemplar.get(key), str):
                exemplar[key] = base64.b64encode(bytes.fromhex(exemplar[key])).decode()


def _said(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
