"""Jaeger's JSON: answers of its query API (and what its UI downloads), and spans as its collector stores them.

- an answer: `{"data": [trace, ...]}`, a trace: `{"traceID", "spans": [...], "processes": {...}}`;
- a batch: `{"process": {...}, "spans": [...]}`;
- a span with its process within, one a line, as Elasticsearch indices hold them.

A record is a span. `startTime` and `duration` are microseconds. `resource_attributes` has the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pipelines.parsers.context import DEFAULT
from pipelines.parsers.otlp_spans import KINDS, InvalidSpanError, Resource, SpanFacts, SpanRows
from pipelines.parsers.otlp_values import compact_json
from pipelines.parsers.span_documents import (
    ERRORS,
    line_bounds,
    read_documents,
    read_pieces,
    said,
    span_id_of,
    trace_id_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.parsers.context import Context
    from pipelines.parsers.result import Parsed

_NANOSECONDS_PER_MICROSECOND: Final = 1_000
_PREFIX: Final = "not Jaeger spans: "


class _Tag(msgspec.Struct):
    key: str = ""
    value: str | int | float | bool | None = None
    type: str = ""


class _Process(msgspec.Struct, rename={"service_name": "serviceName"}):
    service_name: str = ""
    tags: list[_Tag] | None = None
    tag: dict[str, str | int | float | bool | None] | None = None


class _Reference(msgspec.Struct, rename={"kind": "refType", "trace_id": "traceID", "span_id": "spanID"}):
    kind: str = "CHILD_OF"
    trace_id: str = ""
    span_id: str = ""


_SPAN_KEYS: Final = {
    "trace_id": "traceID",
    "span_id": "spanID",
    "parent_span_id": "parentSpanID",
    "operation_name": "operationName",
    "start_time": "startTime",
    "process_id": "processID",
}


class _Span(msgspec.Struct, rename=_SPAN_KEYS):
    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    operation_name: str = ""
    references: list[_Reference] | None = None
    start_time: int = 0
    duration: int | None = None
    tags: list[_Tag] | None = None
    tag: dict[str, str | int | float | bool | None] | None = None
    process_id: str | None = None
    process: _Process | None = None


class _Trace(msgspec.Struct):
    spans: list[msgspec.Raw] | None = None
    processes: dict[str, _Process] | None = None
    process: _Process | None = None


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None


_SPANS: Final = msgspec.json.Decoder(_Span)
_TRACES: Final = msgspec.json.Decoder(_Trace)
_ANSWERS: Final = msgspec.json.Decoder(_Answer)
_PIECES: Final = msgspec.json.Decoder(list[msgspec.Raw])


def parse_jaeger(chunk: bytes, base_offset: int, _context: Context = DEFAULT) -> Parsed:
    """Read whole JSON documents. `base_offset` is the chunk's place in the decompressed source."""
    rows = SpanRows(len(chunk))
    read_documents(chunk, base_offset, rows, lambda document, offset: _read(document, offset, rows))
    return rows.parsed()


def parse_jaeger_lines(chunk: bytes, base_offset: int, _context: Context = DEFAULT) -> Parsed:
    """Read lines, each a span, a batch, a trace or an answer. `base_offset` is the chunk's own."""
    rows = SpanRows(len(chunk))
    for start, end in line_bounds(chunk):
        _read(chunk[start:end], base_offset + start, rows)
    return rows.parsed()


def _read(document: bytes, offset: int, rows: SpanRows) -> None:
    try:
        traces = _traces(document)
    except ERRORS as error:
        rows.reject(offset, f"{_PREFIX}{said(error)}", document)
        return
    for trace in traces:
        processes = {name: _resource(process) for name, process in (trace.processes or {}).items()}
        shared = _resource(trace.process) if trace.process else Resource({}, 0)

        def add(piece: msgspec.Raw, at: int, known: Mapping[str, Resource] = processes, own: Resource = shared) -> None:
            span = _SPANS.decode(piece)
            resource = _resource(span.process) if span.process else known.get(span.process_id or "", own)
            rows.add(at, _facts(span, len(bytes(piece))), resource)

        read_pieces(trace.spans or [], document, offset, rows, add)


def _traces(document: bytes) -> list[_Trace]:
    if document.lstrip().startswith(b"["):
        return [_trace(piece) for piece in _PIECES.decode(document)]
    answer = _ANSWERS.decode(document)
    if answer.data is not None:
        return [_trace(piece) for piece in answer.data]
    return [_trace(msgspec.json.decode(document, type=msgspec.Raw))]


def _trace(piece: msgspec.Raw) -> _Trace:
    trace = _TRACES.decode(piece)
    return trace if trace.spans is not None else _Trace(spans=[piece])


def _resource(process: _Process) -> Resource:
    attributes = _tags(process.tags, process.tag)
    if process.service_name:
        attributes = {"service.name": process.service_name, **attributes}
    return Resource(attributes, sum(len(key) + len(value or "") for key, value in attributes.items()))


def _facts(span: _Span, size: int) -> SpanFacts:
    if span.duration is not None and span.duration < 0:
        raise InvalidSpanError(f"the span's duration is {span.duration}")
    trace_id = trace_id_of(span.trace_id)
    parent = _parent(span, trace_id)
    attributes = _tags(span.tags, span.tag)
    kind = (attributes.get("span.kind") or "").upper()
    start = span.start_time * _NANOSECONDS_PER_MICROSECOND
    # One nanosecond too early says that there is no duration.
    end = start - 1 if span.duration is None else start + span.duration * _NANOSECONDS_PER_MICROSECOND
    failed = attributes.get("error") == "true" or attributes.get("otel.status_code") == "ERROR"
    return SpanFacts(
        trace_id=trace_id,
        span_id=span_id_of(span.span_id),
        parent_span_id=parent if parent and parent.strip("0") else None,
        name=span.operation_name,
        kind=kind if kind in KINDS else "UNSPECIFIED",
        start_nanoseconds=start,
        end_nanoseconds=end,
        status_code="ERROR" if failed else attributes.get("otel.status_code") or "UNSET",
        status_message=attributes.get("otel.status_description") or "",
        attributes=attributes,
        encoded_bytes=size,
    )


def _parent(span: _Span, trace_id: str) -> str | None:
    """The span it is a child of; of several references the first child's, else the first of the same trace."""
    if span.parent_span_id:
        return span_id_of(span.parent_span_id)
    own = [entry for entry in span.references or () if trace_id_of(entry.trace_id) == trace_id]
    own.sort(key=lambda entry: entry.kind != "CHILD_OF")
    return span_id_of(own[0].span_id) if own else None


def _tags(
    tags: list[_Tag] | None, named: Mapping[str, str | int | float | bool | None] | None
) -> dict[str, str | None]:
    pairs = [(tag.key, tag.value) for tag in tags or ()] + list((named or {}).items())
    return {key: value if value is None or isinstance(value, str) else compact_json(value) for key, value in pairs}
