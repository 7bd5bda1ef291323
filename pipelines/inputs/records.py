"""Cutting a stream into chunks of whole records, in bounded memory whatever the stream holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.inputs.boundaries import records_length
from pipelines.inputs.errors import DamagedError
from pipelines.inputs.formats import Framing
from pipelines.parsers.delimited import complete_length
from pipelines.parsers.limits import MAX_MESSAGE_BYTES
from pipelines.schemas import REJECT_RAW_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.inputs.compression import Stream

#: A range of 32 MiB, ended after its last line, is one chunk.
CHUNK_BYTES: Final = 33 << 20

#: The largest file read as one document. Beyond it the file is one reject: split it, or ask for a shorter range.
MAX_DOCUMENT_BYTES: Final = 512 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole records and the offset of the first; the last may lack its newline where the stream ends."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One record that no parser gets to see: over the limit, or in damaged data. It has been read past.

    `head` and `tail` are its first and last bytes, `length` how long it is in the decompressed stream.
    """

    offset: int
    length: int
    head: bytes
    tail: bytes
    reason: str


def read_records(
    stream: Stream,
    framing: Framing,
    start: int,
    end: int | None,
    wrapper: str | None = None,
    *,
    take_unfinished: bool,
) -> Iterator[Chunk | Unreadable]:
    """Read whole records of a stream that stands at `start`, up to `end` or to the stream's end.

    Args:
        stream: where to read.
        framing: how records are told apart.
        start: the offset of the first byte that is read.
        end: where to stop, the end of a record; None for the end of the stream.
        wrapper: what is around each record, which may then be several lines.
        take_unfinished: whether a last record that lacks its end counts as a record. Otherwise it is left unread.
    """
    if framing is Framing.DOCUMENT:
        yield from _document(stream, start)
    else:
        yield from _chunks(stream, framing, (start, end), wrapper, take_unfinished=take_unfinished)


def _document(stream: Stream, start: int) -> Iterator[Chunk | Unreadable]:
    pieces: list[bytes] = []
    size = 0
    while size <= MAX_DOCUMENT_BYTES and (piece := stream.read(CHUNK_BYTES)):
        pieces.append(piece)
        size += len(piece)
    if size <= MAX_DOCUMENT_BYTES:
        if size:
            yield Chunk(start, b"".join(pieces))
        return
    head = pieces[0][:REJECT_RAW_LIMIT]
    tail = pieces[-1][-REJECT_RAW_LIMIT:]
    pieces.clear()
    while piece := stream.read(CHUNK_BYTES):
        size += len(piece)
        tail = (tail + piece)[-REJECT_RAW_LIMIT:]
    yield Unreadable(start, size, head, tail, _too_long("document", MAX_DOCUMENT_BYTES))


def _chunks(
    stream: Stream, framing: Framing, bounds: tuple[int, int | None], wrapper: str | None, *, take_unfinished: bool
) -> Iterator[Chunk | Unreadable]:
    offset, end = bounds
    held = b""
    while True:
        data, damage = _read_chunk(stream, offset + len(held), end)
        if not data and not damage:
            break
        held = held + data if held else data
        whole = records_length(held, wrapper) if framing is Framing.LINES else complete_length(held)
        if whole:
            yield Chunk(offset, held[:whole])
            offset += whole
            held = held[whole:]
        elif len(held) > MAX_MESSAGE_BYTES and framing is Framing.LINES:
            record, held = _past_newline(stream, offset, held, end)
            yield record
            offset += record.length
        if damage:
            yield Unreadable(offset, len(held), held[:REJECT_RAW_LIMIT], held[-REJECT_RAW_LIMIT:], damage)
            return
    if held and take_unfinished:
        yield Chunk(offset, held)


def _read_chunk(stream: Stream, position: int, end: int | None) -> tuple[bytes, str]:
    """A chunk, less only at the end, and why what follows cannot be read, "" where it can.

    A compressed stream gives little at a time; parsers do more with much.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        while size < CHUNK_BYTES and (piece := _read_before(stream, position + size, end)):
            pieces.append(piece)
            size += len(piece)
    except DamagedError as error:
        return b"".join(pieces), str(error)
    return b"".join(pieces), ""


def _read_before(stream: Stream, position: int, end: int | None) -> bytes:
    """The next bytes of a stream that stands at `position`, none past `end`."""
    wanted = CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - position)
    return stream.read(wanted) if wanted > 0 else b""


def _past_newline(stream: Stream, offset: int, held: bytes, end: int | None) -> tuple[Unreadable, bytes]:
    """Read on to the end of a line that is too long; returns it and the bytes after it."""
    head = held[:REJECT_RAW_LIMIT]
    tail = held[-REJECT_RAW_LIMIT:]
    length = len(held)
    reason = _too_long("line", MAX_MESSAGE_BYTES)
    while True:
        try:
            data = _read_before(stream, offset + length, end)
        except DamagedError as error:
            return Unreadable(offset, length, head, tail, f"{reason}; {error}"), b""
        newline = data.find(b"\n") + 1
        taken = data[:newline] if newline else data
        length += len(taken)
        tail = (tail + taken)[-REJECT_RAW_LIMIT:]
        if newline or not data:
            return Unreadable(offset, length, head, tail, reason), data[newline:] if newline else b""


def _too_long(what: str, limit: int) -> str:
    return f"a {what} of more than {limit} bytes"
