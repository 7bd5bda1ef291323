"""JSON that holds spans: documents or lines, taken apart into pieces that are decoded one at a time."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

from pipelines.parsers.json_pieces import JSON_ERRORS, offset_within
from pipelines.parsers.json_values import json_bounds
from pipelines.parsers.limits import MAX_SPAN_BYTES
from pipelines.parsers.otlp_spans import SPAN_ID_BYTES, TRACE_ID_BYTES, InvalidSpanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import msgspec

    from pipelines.parsers.otlp_spans import SpanRows

    ReadSpan = Callable[[msgspec.Raw], None]

ERRORS: Final = (*JSON_ERRORS, ValueError)
_HEX_DIGITS: Final = frozenset(string.hexdigits)


def line_bounds(chunk: bytes) -> Iterator[tuple[int, int]]:
    """Where each line that is not blank begins and ends, white space around it left out."""
    offset = 0
    while offset < len(chunk):
        newline = chunk.find(b"\n", offset)
        end = len(chunk) if newline < 0 else newline
        line = chunk[offset:end]
        if line.strip(b" \t\r"):
            start = offset + len(line) - len(line.lstrip(b" \t\r"))
            yield start, offset + len(line.rstrip(b" \t\r"))
        offset = end + 1


def read_documents(chunk: bytes, base_offset: int, rows: SpanRows, read: Callable[[bytes, int], None]) -> None:
    """Give each top-level JSON value of a chunk, and its offset, to `read`; what is none is a reject."""
    for bounds in json_bounds(chunk):
        piece = chunk if (bounds.start, bounds.end) == (0, len(chunk)) else chunk[bounds.start : bounds.end]
        if bounds.problem is None:
            read(piece, base_offset + bounds.start)
        else:
            rows.reject(base_offset + bounds.start, bounds.problem, piece)


def read_pieces(
    pieces: list[msgspec.Raw], document: bytes, offset: int, rows: SpanRows, read: Callable[[msgspec.Raw, int], None]
) -> None:
    """Give each span of a document, and its own offset, to `read`; one that is none is a reject with its bytes."""
    for piece in pieces:
        source_offset = offset + offset_within(piece, document)
        try:
            if len(bytes(piece)) > MAX_SPAN_BYTES:
                raise InvalidSpanError(f"a span of {len(bytes(piece))} bytes, over the limit of {MAX_SPAN_BYTES}")
            read(piece, source_offset)
        except ERRORS as error:
            rows.reject(source_offset, said(error), bytes(piece))


def trace_id_of(text: str) -> str:
    """A trace id of 64 or 128 bits in hex, as OTLP has it: 32 digits in lower case. Raises InvalidSpanError."""
    return _padded(text, 2 * TRACE_ID_BYTES, "trace id")


def span_id_of(text: str) -> str:
    """A span id in hex as OTLP has it: 16 digits in lower case. Raises InvalidSpanError."""
    return _padded(text, 2 * SPAN_ID_BYTES, "span id")


def said(error: Exception) -> str:
    """Why something is no span."""
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _padded(text: str, size: int, name: str) -> str:
    # Leading zeros may be left out.
    if not 0 < len(text) <= size or not _HEX_DIGITS.issuperset(text):
        raise InvalidSpanError(f"{name} {text[:64]!r} is not at most {size} hex digits")
    return text.lower().zfill(size)
