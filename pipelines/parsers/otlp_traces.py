"""OTLP trace requests: length-delimited protobuf, and OTLP/JSON lines as the collector's file exporter writes them.

A record is a span. A span that cannot be read is one reject with its own bytes; so is a stretch of a message in which
no span can be made out, and the rest of a chunk after a wrong length. `source_offset` is the offset of the message's
length prefix, or of the JSON line: spans of one message share it. Attributes with a key given twice keep the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from pipelines.parsers.delimited import Frame, frames
from pipelines.parsers.limits import MAX_REJECTS_PER_MESSAGE, MAX_SPAN_BYTES
from pipelines.parsers.otlp_json import read_json_line
from pipelines.parsers.otlp_spans import (
    KINDS,
    SPAN_ID_BYTES,
    STATUS_CODES,
    TRACE_ID_BYTES,
    InvalidSpanError,
    Resource,
    SpanFacts,
    SpanRows,
)
from pipelines.parsers.otlp_values import compact_json, double_text
from pipelines.parsers.otlp_wire import Damage, ResourceStart, trace_request_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

    from pipelines.parsers.context import Context
    from pipelines.parsers.result import Parsed


def parse_otlp_traces_delimited(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Read varint-length-delimited `ExportTraceServiceRequest` messages; `chunk` begins at a length prefix."""
    rows = SpanRows(len(chunk))
    for frame in frames(chunk):
        if frame.problem is None:
            _read_message(chunk, frame, base_offset, rows)
        else:
            rows.reject(base_offset + frame.offset, frame.problem, chunk[frame.start : frame.end])
    return rows.parsed()


def parse_otlp_traces_json(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Read OTLP/JSON, one `ExportTraceServiceRequest` a line; empty lines are no records."""
    rows = SpanRows(len(chunk))
    offset = 0
    while offset < len(chunk):
        newline = chunk.find(b"\n", offset)
        end = len(chunk) if newline < 0 else newline
        line = chunk[offset:end].strip(b" \t\r")
        if line:
            read_json_line(line, base_offset + offset, rows)
        offset = end + 1
    return rows.parsed()


def _read_message(chunk: bytes, frame: Frame, base_offset: int, rows: SpanRows) -> None:
    source_offset = base_offset + frame.offset
    resource: Resource | None = None
    rejected = 0
    for part in trace_request_parts(chunk, frame.start, frame.end):
        if isinstance(part, ResourceStart):
            resource = _resource(part.raw)
            continue
        if isinstance(part, Damage):
            reason = part.reason
        elif resource is None:
            reason = "the resource it belongs to cannot be decoded"
        else:
            try:
                rows.add(source_offset, _span(part.raw), resource)
            except InvalidSpanError as error:
                reason = str(error)
            else:
                continue
        rejected += 1
        if rejected > MAX_REJECTS_PER_MESSAGE:
            reason = f"more than {MAX_REJECTS_PER_MESSAGE} spans of this message cannot be read; the rest was given up"
            rows.reject(source_offset, reason, chunk[frame.start : frame.end])
            return
        rows.reject(source_offset, reason, part.raw)


def _resource(raw: bytes) -> Resource | None:
    if len(raw) > MAX_SPAN_BYTES:
        return None
    try:
        return Resource(attribute_map(ResourceMessage.FromString(raw).attributes), len(raw))
    except DecodeError:
        return None


def _span(raw: bytes) -> SpanFacts:
    if len(raw) > MAX_SPAN_BYTES:
        raise InvalidSpanError(f"a span of {len(raw)} bytes, over the limit of {MAX_SPAN_BYTES}")
    try:
        span = Span.FromString(raw)
    except DecodeError as error:
        raise InvalidSpanError(f"not a valid OTLP span: {error}") from None
    if len(span.trace_id) != TRACE_ID_BYTES:
        raise InvalidSpanError(f"trace_id has {len(span.trace_id)} bytes, not {TRACE_ID_BYTES}")
    if len(span.span_id) != SPAN_ID_BYTES:
        raise InvalidSpanError(f"span_id has {len(span.span_id)} bytes, not {SPAN_ID_BYTES}")
    parent = span.parent_span_id
    if parent and len(parent) != SPAN_ID_BYTES:
        raise InvalidSpanError(f"parent_span_id has {len(parent)} bytes, not {SPAN_ID_BYTES}")
    code = span.status.code
    return SpanFacts(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=parent.hex() if any(parent) else None,
        name=span.name,
        kind=KINDS[span.kind] if 0 <= span.kind < len(KINDS) else KINDS[0],
        start_nanoseconds=span.start_time_unix_nano,
        end_nanoseconds=span.end_time_unix_nano,
        status_code=STATUS_CODES[code] if 0 <= code < len(STATUS_CODES) else None,
        status_message=span.status.message,
        attributes=attribute_map(span.attributes),
        encoded_bytes=len(raw),
    )


def attribute_map(attributes: Iterable[KeyValue]) -> dict[str, str | None]:
    """Attributes as text: numbers in decimal, bytes as hex, arrays and maps as compact JSON, an unset value null."""
    # Envoy writes nothing but strings: the common case is told by a truthy string_value, without a WhichOneof.
    return {entry.key: entry.value.string_value or _text(entry.value) for entry in attributes}


def _text(value: AnyValue) -> str | None:
    plain = _plain(value)
    if plain is None or isinstance(plain, str):
        return plain
    return compact_json(plain)


def _plain(value: AnyValue) -> object:
    """A value as JSON has it; 64-bit integers and non-finite doubles stay exact as in OTLP/JSON."""
    which = value.WhichOneof("value")
    match which:
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return double_text(value.double_value)
        case "bytes_value":
            return value.bytes_value.hex()
        case "array_value":
            return [_plain(entry) for entry in value.array_value.values]
        case "kvlist_value":
            return {entry.key: _plain(entry.value) for entry in value.kvlist_value.values}
        case _:
            return None
