"""Length-delimited OTLP requests, record by record, whatever the signal.

A record that cannot be read is one reject with its own bytes; so is a stretch of a message in which no record can be
made out, and the rest of a chunk after a wrong length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage

from pipelines.parsers.delimited import Frame, frames
from pipelines.parsers.limits import MAX_REJECTS_PER_MESSAGE, MAX_SPAN_BYTES
from pipelines.parsers.otlp_attributes import attribute_map
from pipelines.parsers.otlp_wire import Damage, ResourceStart, Signal, request_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

R = TypeVar("R")
Attributes = dict[str, str | None]


class Rows(Protocol[R]):
    """Where a signal's records go."""

    def resource(self, attributes: Mapping[str, str | None], encoded_bytes: int, /) -> R:
        """What records have of their resource: its attributes, `encoded_bytes` long in the input."""
        ...

    def read_record(self, source_offset: int, raw: bytes, resource: R, /) -> None:
        """Decode a record and accept it. Raises ValueError where it is none, with nothing counted."""
        ...

    def reject(self, source_offset: int, reason: str, raw: bytes, /) -> None:
        """Record a record, or a piece of the input that holds an unknown number of them, as one reject."""
        ...


def read_requests(chunk: bytes, base_offset: int, signal: Signal, rows: Rows[R]) -> None:
    """Read varint-length-delimited requests; `chunk` begins at a length prefix, `base_offset` into the source."""
    read_frames(chunk, frames(chunk), base_offset, signal, rows)


def read_frames(chunk: bytes, given: Iterable[Frame], base_offset: int, signal: Signal, rows: Rows[R]) -> None:
    """Read some of a chunk's frames."""
    for frame in given:
        if frame.problem is None:
            read_request(chunk, frame, base_offset, signal, rows)
        else:
            rows.reject(base_offset + frame.offset, frame.problem, chunk[frame.start : frame.end])


def read_request(chunk: bytes, frame: Frame, base_offset: int, signal: Signal, rows: Rows[R]) -> None:
    """Read one request."""
    message_offset = base_offset + frame.offset
    resource: R | None = None
    rejected = 0
    for part in request_parts(chunk, frame.start, frame.end, signal):
        if isinstance(part, ResourceStart):
            attributes = _attributes(part.raw)
            resource = None if attributes is None else rows.resource(attributes, len(part.raw))
            continue
        offset = message_offset
        if isinstance(part, Damage):
            reason = part.reason
        elif resource is None:
            reason = "the resource it belongs to cannot be decoded"
        elif len(part.raw) > MAX_SPAN_BYTES:
            reason = f"a {signal.record} of {len(part.raw)} bytes, over the limit of {MAX_SPAN_BYTES}"
        else:
            offset = base_offset + part.start if signal.own_offsets else message_offset
            try:
                rows.read_record(offset, part.raw, resource)
            except ValueError as error:
                reason = str(error)
            else:
                continue
        rejected += 1
        if rejected > MAX_REJECTS_PER_MESSAGE:
            reason = (
                f"more than {MAX_REJECTS_PER_MESSAGE} {signal.record}s of this message cannot be read; "
                "the rest was given up"
            )
            rows.reject(message_offset, reason, chunk[frame.start : frame.end])
            return
        rows.reject(offset, reason, part.raw)


def _attributes(raw: bytes) -> Attributes | None:
    if len(raw) > MAX_SPAN_BYTES:
        return None
    try:
        return attribute_map(ResourceMessage.FromString(raw).attributes)
    except DecodeError:
        return None
