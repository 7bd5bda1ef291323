"""OTLP trace requests: length-delimited protobuf, and OTLP/JSON lines as the collector's file exporter writes them.

A record is a span. A span that cannot be read is one reject with its own bytes; so is a stretch of a message in which
no span can be made out, and the rest of a chunk after a wrong length. `source_offset` is the offset of the message's
length prefix, or of the JSON line: spans of one message share it. Attributes with a key given twice keep the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from pipelines.parsers.limits import repeat_budget
from pipelines.parsers.otlp_attributes import attribute_map
from pipelines.parsers.otlp_json import read_json_line
from pipelines.parsers.otlp_requests import read_frames, read_requests
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
from pipelines.parsers.otlp_wire import TRACES
from pipelines.parsers.scanned import SCANNED_BYTES, batches, merged, padded, with_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from pipelines.parsers.context import Context
    from pipelines.parsers.result import Parsed


class ProtobufSpanRows(SpanRows):
    """Spans of protobuf requests."""

    __slots__ = ()

    def resource(self, attributes: Mapping[str, str | None], encoded_bytes: int) -> Resource:
        """What spans have of their resource."""
        return Resource(attributes, encoded_bytes)

    def read_record(self, source_offset: int, raw: bytes, resource: Resource) -> None:
        """Decode a span and accept it. Raises InvalidSpanError where it is none, with nothing counted."""
        self.add(source_offset, _span(raw), resource)


def parse_otlp_traces_delimited(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Read varint-length-delimited `ExportTraceServiceRequest` messages; `chunk` begins at a length prefix.

    Requests are read by compiled code where it takes them, else a span at a time, to the same result.
    """
    fast = parse_scanned(chunk, base_offset) if len(chunk) >= SCANNED_BYTES else None
    return fast or parse_singly(chunk, base_offset)


def parse_scanned(chunk: bytes, base_offset: int) -> Parsed | None:
    """The same by compiled code; None where spans repeat more of their resources than a chunk may."""
    from pipelines.parsers.otlp_fast_spans import SpanScanner

    rows = ProtobufSpanRows(len(chunk))
    scanner = SpanScanner(padded(chunk), base_offset)
    tables: list[pa.Table] = []
    repeated = 0
    for frames in batches(chunk):
        spans, refused = scanner.scan([frame for frame in frames if frame.problem is None])
        repeated += spans.repeated_bytes()
        if repeated > repeat_budget(len(chunk)):
            return None
        tables.append(spans.table())
        read_frames(chunk, with_problems(frames, refused), base_offset, TRACES, rows)
    rest = rows.parsed()
    if repeated + rows.repeated_bytes > repeat_budget(len(chunk)):
        return None
    return merged(tables, rest)


def parse_singly(chunk: bytes, base_offset: int) -> Parsed:
    """The same a span at a time."""
    rows = ProtobufSpanRows(len(chunk))
    read_requests(chunk, base_offset, TRACES, rows)
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


def _span(raw: bytes) -> SpanFacts:
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
