"""Cutting an `ExportTraceServiceRequest` into its spans' bytes without decoding it.

Spans are decoded one by one, so that a span which cannot be decoded costs no other span and is rejected with its own
bytes, and so that a small message cannot grow to many times its size in memory. Field numbers are those of
`opentelemetry/proto/collector/trace/v1/trace_service.proto` and `opentelemetry/proto/trace/v1/trace.proto`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipelines.parsers.delimited import read_varint

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESOURCE_SPANS = 1  # ExportTraceServiceRequest.resource_spans
_RESOURCE = 1  # ResourceSpans.resource
_SCOPE_SPANS = 2  # ResourceSpans.scope_spans
_INSTRUMENTATION_LIBRARY_SPANS = 1000  # ResourceSpans.instrumentation_library_spans, gone since OTLP 0.19
_SPANS = 2  # ScopeSpans.spans

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    """A length-delimited field: its number and the bounds of its bytes."""

    number: int
    start: int
    end: int


class ResourceStart(NamedTuple):
    """The spans that follow belong to this resource: its serialised `Resource` message."""

    raw: bytes


class SpanBytes(NamedTuple):
    """A serialised `Span`."""

    raw: bytes


class Damage(NamedTuple):
    """A stretch in which no span can be made out."""

    raw: bytes
    reason: str


class _WireError(ValueError):
    """Bytes that are no protobuf message; `position` is where they stop making sense."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position


def trace_request_parts(data: bytes, start: int, end: int) -> Iterator[ResourceStart | SpanBytes | Damage]:
    """The resources, spans and damaged stretches of the request in `data[start:end]`, in order."""
    try:
        for field in _fields(data, start, end):
            if field.number == _RESOURCE_SPANS:
                yield from _resource_spans(data, field)
    except _WireError as error:
        yield Damage(data[error.position : end], f"not an OTLP trace request: {error}")


def _resource_spans(data: bytes, block: Field) -> Iterator[ResourceStart | SpanBytes | Damage]:
    # A repeated embedded message is merged by protobuf's rules, which is what decoding the joined bytes does.
    if block.start == block.end:
        return
    resource: list[bytes] = []
    scopes: list[Field] = []
    damage: Damage | None = None
    try:
        for field in _fields(data, block.start, block.end):
            if field.number == _RESOURCE:
                resource.append(data[field.start : field.end])
            elif field.number in (_SCOPE_SPANS, _INSTRUMENTATION_LIBRARY_SPANS):
                scopes.append(field)
    except _WireError as error:
        damage = Damage(data[error.position : block.end], f"damaged ResourceSpans: {error}")
    yield ResourceStart(b"".join(resource))
    for scope in scopes:
        if scope.number == _INSTRUMENTATION_LIBRARY_SPANS:
            reason = "instrumentation_library_spans of OTLP before 0.19; export with a collector of 2022 or later"
            yield Damage(data[scope.start : scope.end], reason)
        else:
            yield from _scope_spans(data, scope)
    if damage is not None:
        yield damage


def _scope_spans(data: bytes, scope: Field) -> Iterator[SpanBytes | Damage]:
    try:
        for field in _fields(data, scope.start, scope.end):
            if field.number == _SPANS:
                yield SpanBytes(data[field.start : field.end])
    except _WireError as error:
        yield Damage(data[error.position : scope.end], f"damaged ScopeSpans: {error}")


def _fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """The length-delimited fields of a message; fields of other wire types are stepped over."""
    position = start
    while position < end:
        begin = position
        tag, position = read_varint(data, position, end)
        if tag is None or tag >> 3 == 0:
            raise _WireError(begin, "no valid field tag")
        wire_type = tag & 7
        if wire_type == _BYTES:
            length, position = read_varint(data, position, end)
            if length is None or position + length > end:
                raise _WireError(begin, f"field {tag >> 3} is longer than the message around it")
            yield Field(tag >> 3, position, position + length)
            position += length
        elif wire_type == _VARINT:
            value, position = read_varint(data, position, end)
            if value is None:
                raise _WireError(begin, f"field {tag >> 3} is cut off")
        elif wire_type in (_FIXED64, _FIXED32):
            position += 8 if wire_type == _FIXED64 else 4
            if position > end:
                raise _WireError(begin, f"field {tag >> 3} is cut off")
        else:
            raise _WireError(begin, f"wire type {wire_type} is not used by proto3")
