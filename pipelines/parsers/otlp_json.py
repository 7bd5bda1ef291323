"""OTLP/JSON, as the OpenTelemetry specification maps the protobuf messages to JSON: keys in lowerCamelCase, ids in
hex, 64-bit integers as decimal strings (numbers are read as well), enums as numbers (names are read as well).
"""

from __future__ import annotations

import base64
import binascii
import string

import msgspec

from pipelines.parsers.limits import MAX_MESSAGE_BYTES, MAX_REJECTS_PER_MESSAGE, MAX_SPAN_BYTES
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

_HEX_DIGITS = frozenset(string.hexdigits)
_NOTHING = msgspec.Raw(b"null")
_OTHER_SIGNALS = {"resourceLogs": "logs", "resourceMetrics": "metrics", "resourceProfiles": "profiles"}


class _Array(msgspec.Struct):
    values: list[Value] | None = None


class _KeyValues(msgspec.Struct):
    values: list[KeyValue] | None = None


class Value(msgspec.Struct, rename="camel"):
    """An `AnyValue`."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | None = None
    double_value: float | str | None = None
    bytes_value: str | None = None
    array_value: _Array | None = None
    kvlist_value: _KeyValues | None = None


class KeyValue(msgspec.Struct):
    """An attribute."""

    key: str = ""
    value: Value | None = None


class _Status(msgspec.Struct):
    code: int | str = 0
    message: str = ""


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int | str = 0
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    attributes: list[KeyValue] | None = None
    status: _Status | None = None


class _ResourceMessage(msgspec.Struct):
    attributes: list[KeyValue] | None = None


class _ScopeSpans(msgspec.Struct):
    spans: list[msgspec.Raw] | None = None


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: msgspec.Raw = _NOTHING
    scope_spans: list[_ScopeSpans] | None = None
    instrumentation_library_spans: list[_ScopeSpans] | None = None


class _Request(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] | None = None


# Not strict: 64-bit integers come as strings.
_REQUESTS = msgspec.json.Decoder(_Request, strict=False)
_RESOURCES = msgspec.json.Decoder(_ResourceMessage | None, strict=False)
_SPANS = msgspec.json.Decoder(_Span, strict=False)
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


def read_json_line(line: bytes, source_offset: int, rows: SpanRows) -> None:
    """Add the spans of one line to `rows`; a line that is no trace request is one reject."""
    if len(line) > MAX_MESSAGE_BYTES:
        rows.reject(source_offset, f"a line of {len(line)} bytes, over the limit of {MAX_MESSAGE_BYTES}", line)
        return
    try:
        request = _REQUESTS.decode(line)
        blocks = [(_resource(block), _spans(block)) for block in request.resource_spans or ()]
    except _ERRORS as error:
        rows.reject(source_offset, f"not an OTLP/JSON trace request: {_said(error)}", line)
        return
    if request.resource_spans is None:
        rows.reject(source_offset, _other_signal(line), line)
        return
    rejected = 0
    for resource, spans in blocks:
        for raw in spans:
            try:
                rows.add(source_offset, _span(bytes(raw)), resource)
            except InvalidSpanError as error:
                rejected += 1
                if rejected > MAX_REJECTS_PER_MESSAGE:
                    reason = (
                        f"more than {MAX_REJECTS_PER_MESSAGE} spans of this line cannot be read; the rest was given up"
                    )
                    rows.reject(source_offset, reason, line)
                    return
                rows.reject(source_offset, str(error), bytes(raw))


def _resource(block: _ResourceSpans) -> Resource:
    raw = bytes(block.resource)
    message = _RESOURCES.decode(raw)
    return Resource(attribute_map(message.attributes if message else None), len(raw))


def _spans(block: _ResourceSpans) -> list[msgspec.Raw]:
    scopes = [*(block.scope_spans or ()), *(block.instrumentation_library_spans or ())]
    return [span for scope in scopes for span in scope.spans or ()]


def _other_signal(line: bytes) -> str:
    for key, signal in _OTHER_SIGNALS.items():
        if f'"{key}"'.encode() in line:
            return f"OTLP {signal}, not traces (the line has {key} and no resourceSpans)"
    return "not an OTLP/JSON trace request: it has no resourceSpans"


def _span(raw: bytes) -> SpanFacts:
    if len(raw) > MAX_SPAN_BYTES:
        raise InvalidSpanError(f"a span of {len(raw)} bytes, over the limit of {MAX_SPAN_BYTES}")
    try:
        span = _SPANS.decode(raw)
        attributes = attribute_map(span.attributes)
    except _ERRORS as error:
        raise InvalidSpanError(f"not a valid OTLP/JSON span: {_said(error)}") from None
    parent = _hex_id(span.parent_span_id, "parentSpanId", SPAN_ID_BYTES) if span.parent_span_id else None
    status = span.status or _Status()
    return SpanFacts(
        trace_id=_hex_id(span.trace_id, "traceId", TRACE_ID_BYTES),
        span_id=_hex_id(span.span_id, "spanId", SPAN_ID_BYTES),
        parent_span_id=parent if parent and parent.strip("0") else None,
        name=span.name,
        kind=_enum(span.kind, KINDS, "SPAN_KIND_") or KINDS[0],
        start_nanoseconds=span.start_time_unix_nano,
        end_nanoseconds=span.end_time_unix_nano,
        status_code=_enum(status.code, STATUS_CODES, "STATUS_CODE_"),
        status_message=status.message,
        attributes=attributes,
        encoded_bytes=len(raw),
    )


def _hex_id(text: str, field: str, size: int) -> str:
    if len(text) != 2 * size or not _HEX_DIGITS.issuperset(text):
        raise InvalidSpanError(f"{field} {text[:64]!r} is not {2 * size} hex digits, as OTLP/JSON writes ids")
    return text.lower()


def _enum(value: int | str, names: tuple[str, ...], prefix: str) -> str | None:
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    name = value.removeprefix(prefix)
    return name if name in names else None


def attribute_map(attributes: list[KeyValue] | None) -> dict[str, str | None]:
    """Attributes as text, like those of protobuf."""
    return {entry.key: _text(entry.value) for entry in attributes or ()}


def _text(value: Value | None) -> str | None:
    plain = plain_value(value)
    return plain if plain is None or isinstance(plain, str) else compact_json(plain)


def plain_value(value: Value | None) -> object:
    """A value as JSON has it; bytes in hex."""
    if value is None:
        return None
    scalars = (value.string_value, value.bool_value, value.int_value)
    plain = next((scalar for scalar in scalars if scalar is not None), None)
    if plain is not None:
        return plain
    if value.double_value is not None:
        return double_text(float(value.double_value))
    if value.bytes_value is not None:
        return _decoded(value.bytes_value).hex()
    if value.array_value is not None:
        return [plain_value(entry) for entry in value.array_value.values or ()]
    if value.kvlist_value is not None:
        return {entry.key: plain_value(entry.value) for entry in value.kvlist_value.values or ()}
    return None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"bytesValue is no base64: {error}") from None


def _said(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
