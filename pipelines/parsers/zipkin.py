"""Zipkin's JSON (version 2 of its API): a list of spans, a list of traces, or either on lines of their own.

A record is a span. Times and durations are microseconds. A server's span may share its id with the client's
(`shared`): it gets an id of its own, the client's becomes its parent, and spans of the same document below the shared
id hang from the server's, as Jaeger reads such traces. `resource_attributes` has the local endpoint.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from pipelines.parsers.context import DEFAULT
from pipelines.parsers.otlp_spans import InvalidSpanError, Resource, SpanFacts, SpanRows
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
    from pipelines.parsers.context import Context
    from pipelines.parsers.result import Parsed

_KINDS: Final = frozenset({"CLIENT", "SERVER", "PRODUCER", "CONSUMER"})
_NANOSECONDS_PER_MICROSECOND: Final = 1_000
_PREFIX: Final = "not Zipkin spans: "


class _Endpoint(msgspec.Struct, rename="camel"):
    service_name: str | None = None
    ipv4: str | None = None
    ipv6: str | None = None
    port: int | None = None


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str
    id: str
    parent_id: str | None = None
    name: str | None = None
    kind: str | None = None
    timestamp: int | None = None
    duration: int | None = None
    local_endpoint: _Endpoint | None = None
    remote_endpoint: _Endpoint | None = None
    tags: dict[str, str] | None = None
    shared: bool | None = None
    binary_annotations: msgspec.Raw | None = None


class _Ids(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    id: str = ""
    shared: bool | None = None


_SPANS: Final = msgspec.json.Decoder(_Span)
_IDS: Final = msgspec.json.Decoder(_Ids)
_PIECES: Final = msgspec.json.Decoder(list[msgspec.Raw])


def parse_zipkin(chunk: bytes, base_offset: int, _context: Context = DEFAULT) -> Parsed:
    """Read whole JSON documents. `base_offset` is the chunk's place in the decompressed source."""
    rows = SpanRows(len(chunk))
    read_documents(chunk, base_offset, rows, lambda document, offset: _read(document, offset, rows))
    return rows.parsed()


def parse_zipkin_lines(chunk: bytes, base_offset: int, _context: Context = DEFAULT) -> Parsed:
    """Read lines, each a span or a list of them. `base_offset` is the chunk's place in the decompressed source."""
    rows = SpanRows(len(chunk))
    for start, end in line_bounds(chunk):
        _read(chunk[start:end], base_offset + start, rows)
    return rows.parsed()


def _read(document: bytes, offset: int, rows: SpanRows) -> None:
    try:
        pieces = _pieces(document)
    except ERRORS as error:
        rows.reject(offset, f"{_PREFIX}{said(error)}", document)
        return
    shared = _shared(pieces)
    read_pieces(pieces, document, offset, rows, lambda piece, at: _add(piece, at, shared, rows))


def _pieces(document: bytes) -> list[msgspec.Raw]:
    if document.lstrip().startswith(b"{"):
        return [msgspec.json.decode(document, type=msgspec.Raw)]
    pieces = _PIECES.decode(document)
    if any(bytes(piece[:1]) == b"[" for piece in map(bytes, pieces)):
        return [span for trace in pieces for span in _PIECES.decode(trace)]
    return pieces


def _shared(pieces: list[msgspec.Raw]) -> set[tuple[str, str]]:
    """Trace and span ids that a server shares with its client; of spans that cannot be read none."""
    found = set()
    for piece in pieces:
        try:
            ids = _IDS.decode(piece)
            if ids.shared:
                found.add((trace_id_of(ids.trace_id), span_id_of(ids.id)))
        except ERRORS:
            continue
    return found


def _add(piece: msgspec.Raw, source_offset: int, shared: set[tuple[str, str]], rows: SpanRows) -> None:
    span = _SPANS.decode(piece)
    trace_id, span_id = trace_id_of(span.trace_id), span_id_of(span.id)
    parent = span_id_of(span.parent_id) if span.parent_id else None
    if span.shared:
        span_id, parent = _server_id(trace_id, span_id), span_id
    elif parent is not None and (trace_id, parent) in shared:
        parent = _server_id(trace_id, parent)
    if span.binary_annotations is not None:
        raise InvalidSpanError("a span of version 1 of Zipkin's API; version 2 is read (`/api/v2/traces`)")
    if not span.timestamp:
        raise InvalidSpanError("the span has no timestamp")
    if span.duration is not None and span.duration < 0:
        raise InvalidSpanError(f"the span's duration is {span.duration}")
    tags = span.tags or {}
    start = span.timestamp * _NANOSECONDS_PER_MICROSECOND
    # One nanosecond too early says that there is no duration.
    end = start - 1 if span.duration is None else start + span.duration * _NANOSECONDS_PER_MICROSECOND
    attributes = {"peer.address": _address(span.remote_endpoint)} if span.remote_endpoint else {}
    size = len(bytes(piece))
    facts = SpanFacts(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent if parent and parent.strip("0") else None,
        name=span.name or "",
        kind=span.kind if span.kind in _KINDS else "UNSPECIFIED",
        start_nanoseconds=start,
        end_nanoseconds=end,
        status_code="ERROR" if tags.get("error", "false") != "false" else "UNSET",
        status_message=tags.get("error", "").removeprefix("true").removeprefix("false"),
        attributes={key: value for key, value in attributes.items() if value is not None} | tags,
        encoded_bytes=size,
    )
    rows.add(source_offset, facts, Resource(_resource(span.local_endpoint), 0))


def _resource(endpoint: _Endpoint | None) -> dict[str, str | None]:
    if endpoint is None:
        return {}
    said_of = {"service.name": endpoint.service_name, "net.host.ip": endpoint.ipv4 or endpoint.ipv6}
    return {key: value for key, value in said_of.items() if value}


def _address(endpoint: _Endpoint) -> str | None:
    host = endpoint.ipv4 or (f"[{endpoint.ipv6}]" if endpoint.ipv6 else None)
    return f"{host}:{endpoint.port}" if host and endpoint.port else host


def _server_id(trace_id: str, span_id: str) -> str:
    """An id for the server's half of a shared span: the same whenever the span is read."""
    return hashlib.blake2b(f"{trace_id}{span_id}".encode(), digest_size=8, person=b"shared").hexdigest()
