"""Cutting an OTLP request into its records' bytes (spans, log records, metrics) without decoding it.

Records are decoded one by one, so that one which cannot be decoded costs no other and is rejected with its own bytes,
and so that a small message cannot grow to many times its size in memory. Field numbers are those of
`opentelemetry/proto/collector/*/v1/*_service.proto` and `opentelemetry/proto/{trace,logs,metrics}/v1`: the same for
every signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pipelines.parsers.delimited import read_varint

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCKS = 1  # ExportTraceServiceRequest.resource_spans
_RESOURCE = 1  # ResourceSpans.resource
_SCOPES = 2  # ResourceSpans.scope_spans
_OBSOLETE = 1000  # ResourceSpans.instrumentation_library_spans, gone since OTLP 0.19
_RECORDS = 2  # ScopeSpans.spans

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Signal:
    """How the messages of one kind of request are called, and whether its records have offsets of their own.

    Otherwise their offset is that of the request around them.
    """

    request: str
    records: str
    record: str
    own_offsets: bool = True


TRACES: Final = Signal("trace", "Spans", "span", own_offsets=False)
LOGS: Final = Signal("logs", "Logs", "log record")
METRICS: Final = Signal("metrics", "Metrics", "metric")


class Field(NamedTuple):
    """A length-delimited field: its number and the bounds of its bytes."""

    number: int
    start: int
    end: int


class ResourceStart(NamedTuple):
    """The records that follow belong to this resource: its serialised `Resource` message."""

    raw: bytes


class RecordBytes(NamedTuple):
    """A serialised `Span`, `LogRecord` or `Metric`, and where it begins in the data."""

    raw: bytes
    start: int


class Damage(NamedTuple):
    """A stretch in which no record can be made out."""

    raw: bytes
    reason: str


class WireError(ValueError):
    """Bytes that are no protobuf message; `position` is where they stop making sense."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position


def request_parts(data: bytes, start: int, end: int, signal: Signal) -> Iterator[ResourceStart | RecordBytes | Damage]:
    """The resources, records and damaged stretches of the request in `data[start:end]`, in order."""
    try:
        for field in fields(data, start, end):
            if field.number == _BLOCKS:
                yield from _block(data, field, signal)
    except WireError as error:
        yield Damage(data[error.position : end], f"not an OTLP {signal.request} request: {error}")


def _block(data: bytes, block: Field, signal: Signal) -> Iterator[ResourceStart | RecordBytes | Damage]:
    # A repeated embedded message is merged by protobuf's rules, which is what decoding the joined bytes does.
    if block.start == block.end:
        return
    resource: list[bytes] = []
    scopes: list[Field] = []
    damage: Damage | None = None
    try:
        for field in fields(data, block.start, block.end):
            if field.number == _RESOURCE:
                resource.append(data[field.start : field.end])
            elif field.number in (_SCOPES, _OBSOLETE):
                scopes.append(field)
    except WireError as error:
        damage = Damage(data[error.position : block.end], f"damaged Resource{signal.records}: {error}")
    yield ResourceStart(b"".join(resource))
    for scope in scopes:
        if scope.number == _OBSOLETE:
            name = f"instrumentation_library_{signal.records.lower()}"
            reason = f"{name} of OTLP before 0.19; export with a collector of 2022 or later"
            yield Damage(data[scope.start : scope.end], reason)
        else:
            yield from _scope(data, scope, signal)
    if damage is not None:
        yield damage


def _scope(data: bytes, scope: Field, signal: Signal) -> Iterator[RecordBytes | Damage]:
    try:
        for field in fields(data, scope.start, scope.end):
            if field.number == _RECORDS:
                yield RecordBytes(data[field.start : field.end], field.start)
    except WireError as error:
        yield Damage(data[error.position : scope.end], f"damaged Scope{signal.records}: {error}")


def fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """The length-delimited fields of a message; fields of other wire types are stepped over."""
    position = start
    while position < end:
        begin = position
        tag, position = read_varint(data, position, end)
        if tag is None or tag >> 3 == 0:
            raise WireError(begin, "no valid field tag")
        wire_type = tag & 7
        if wire_type == _BYTES:
            length, position = read_varint(data, position, end)
            if length is None or position + length > end:
                raise WireError(begin, f"field {tag >> 3} is longer than the message around it")
            yield Field(tag >> 3, position, position + length)
            position += length
        elif wire_type == _VARINT:
            value, position = read_varint(data, position, end)
            if value is None:
                raise WireError(begin, f"field {tag >> 3} is cut off")
        elif wire_type in (_FIXED64, _FIXED32):
            position += 8 if wire_type == _FIXED64 else 4
            if position > end:
                raise WireError(begin, f"field {tag >> 3} is cut off")
        else:
            raise WireError(begin, f"wire type {wire_type} is not used by proto3")
