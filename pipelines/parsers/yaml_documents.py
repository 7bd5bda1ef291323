"""Cutting a YAML stream into documents by its bytes, so that a broken document spoils no other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# A marker stands at the very start of a line and ends a document whatever precedes it, even within quotes. Text in a
# block scalar is indented, so that a `---` there is none.
_MARKER = re.compile(rb"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class DocumentBounds(NamedTuple):
    """The bytes of one document, its `---` included."""

    start: int
    end: int


def document_bounds(stream: bytes) -> Iterator[DocumentBounds]:
    """The documents of a stream that hold anything besides comments, directives and white space, in order."""
    start = len(_BYTE_ORDER_MARK) if stream.startswith(_BYTE_ORDER_MARK) else 0
    for marker in _MARKER.finditer(stream, start):
        if _holds_anything(stream, start, marker.start()):
            yield DocumentBounds(start, marker.start())
        start = marker.start() if marker.group() == b"---" else marker.end()
    if _holds_anything(stream, start, len(stream)):
        yield DocumentBounds(start, len(stream))


def document_end(stream: bytes, start: int) -> int:
    """Where the document that begins at `start` (with its `---`, if it has one) ends."""
    marker = _MARKER.search(stream, start + 1)
    return len(stream) if marker is None else marker.start()


def _holds_anything(stream: bytes, start: int, end: int) -> bool:
    position = start
    if stream.startswith(b"---", start):
        position += 3
    while position < end:
        newline = stream.find(b"\n", position, end)
        stop = end if newline < 0 else newline
        line = stream[position:stop].strip()
        if line and not line.startswith((b"#", b"%")):
            return True
        position = stop + 1
    return False
