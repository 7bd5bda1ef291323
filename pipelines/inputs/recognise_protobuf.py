"""Which length-delimited protobuf messages a file holds, told from the fields of the first ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.parsers.delimited import read_varint

if TYPE_CHECKING:
    from collections.abc import Iterator

_MESSAGES: Final = 20
_FIXED_BYTES: Final = {1: 8, 5: 4}
_TRACE_ID: Final = (1, 2, 16)
_SPAN_ID: Final = (2, 2, 8)
#: Fields that only an OTLP LogRecord has: time and observed time (fixed64), severity number (varint).
_LOG_RECORD: Final = {(1, 1), (11, 1), (2, 0)}
#: ... that only an OTLP Metric has: gauge, sum, histogram, exponential histogram, summary.
_METRIC: Final = {(5, 2), (7, 2), (9, 2), (10, 2), (11, 2)}


@dataclass(frozen=True, slots=True)
class _Field:
    """Number, wire type and bounds of a field; `end` may lie past the bytes at hand."""

    number: int
    wire: int
    start: int
    end: int


class _NotProtobufError(ValueError):
    """The bytes cannot be protobuf."""


def protobuf_kind(head: bytes, *, is_whole: bool) -> str | None:
    """`otlp_traces`, `otlp_logs`, `otlp_metrics` or `als`, or None where the bytes are none of them.

    Args:
        head: the first bytes of the file.
        is_whole: whether they are all there are, so that a message may not reach past them.
    """
    position = 0
    try:
        for _ in range(_MESSAGES):
            length, start = read_varint(head, position, len(head))
            if length is None or start >= len(head) or (is_whole and start + length > 2 * len(head)):
                return None
            kind = _kind_of_message(head, start, start + length)
            if kind is not None:
                return kind
            position = start + length
            if position >= len(head):
                return None
    except _NotProtobufError:
        return None
    return None


def _kind_of_message(data: bytes, start: int, end: int) -> str | None:
    outer = list(_fields(data, start, end))
    if any(field.wire != 2 or field.number not in (1, 2, 3) for field in outer):
        raise _NotProtobufError
    if any(field.number in (2, 3) for field in outer):
        # StreamAccessLogsMessage: identifier = 1 (once a stream), http_logs = 2, tcp_logs = 3, entries their field 1.
        entries = [inner for field in outer if field.number != 1 for inner in _inside(data, field)]
        return "als" if entries and all((entry.number, entry.wire) == (1, 2) for entry in entries) else None
    for resource in outer:
        for scope in _inside(data, resource):
            if (scope.number, scope.wire) != (2, 2):
                continue
            for record in _inside(data, scope):
                if (record.number, record.wire) == (2, 2):
                    kind = _kind_of_record(list(_inside(data, record)))
                    if kind is not None:
                        return kind
    return None


def _kind_of_record(fields: list[_Field]) -> str | None:
    shapes = {(field.number, field.wire, field.end - field.start) for field in fields}
    types = {(field.number, field.wire) for field in fields}
    if _TRACE_ID in shapes and _SPAN_ID in shapes:
        return "otlp_traces"
    if types & _LOG_RECORD:
        return "otlp_logs"
    if (1, 2) in types and types & _METRIC:
        return "otlp_metrics"
    return None


def _inside(data: bytes, field: _Field) -> Iterator[_Field]:
    return _fields(data, field.start, field.end)


def _fields(data: bytes, start: int, end: int) -> Iterator[_Field]:
    """The fields of a message, as far as the bytes at hand go. Raises _NotProtobufError on a malformed one."""
    position = start
    at_hand = min(end, len(data))
    while position < at_hand:
        tag, position = _varint(data, position, at_hand, end)
        if tag is None:
            return
        number, wire = tag >> 3, tag & 7
        size = _FIXED_BYTES.get(wire, 0)
        if wire == 0:
            _, after = _varint(data, position, at_hand, end)
            size = after - position
        elif wire == 2:
            length, position = _varint(data, position, at_hand, end)
            if length is None:
                return
            size = length
        elif not size:
            raise _NotProtobufError
        if number == 0 or position + size > end:
            raise _NotProtobufError
        yield _Field(number, wire, position, position + size)
        position += size


def _varint(data: bytes, position: int, at_hand: int, end: int) -> tuple[int | None, int]:
    """As `read_varint`: None where the bytes at hand cut it off. Raises _NotProtobufError where the message does."""
    value, after = read_varint(data, position, at_hand)
    if value is None and at_hand == end:
        raise _NotProtobufError
    return value, after
