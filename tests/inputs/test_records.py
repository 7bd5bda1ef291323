"""Chunks of whole records, whatever the stream holds."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pipelines.inputs import records
from pipelines.inputs.formats import Framing
from pipelines.inputs.records import Chunk, Unreadable, read_records

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    import pytest


class Bytes:
    """A stream over bytes that gives them in portions."""

    def __init__(self, data: bytes, portion: int) -> None:
        self._file = io.BytesIO(data)
        self._portion = portion

    is_cut_off = False

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._portion))

    def skip_to(self, position: int) -> None:
        self._file.seek(position)

    def head(self, size: int) -> bytes:
        return self._file.getvalue()[:size]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def read(data: bytes, framing: Framing, portion: int, *, unfinished: bool = True) -> list[Chunk | Unreadable]:
    return list(read_records(Bytes(data, portion), framing, 0, None, take_unfinished=unfinished))


@given(st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=30), st.integers(1, 50))
def test_lines_stay_whole_and_offsets_are_true(lines: list[bytes], portion: int) -> None:
    data = b"\n".join(lines)
    pieces = read(data, Framing.LINES, portion)
    assert b"".join(piece.data for piece in pieces if isinstance(piece, Chunk)) == data
    for piece in pieces:
        assert isinstance(piece, Chunk)
        assert data[piece.offset : piece.offset + len(piece.data)] == piece.data
        assert piece.offset == 0 or data[piece.offset - 1 : piece.offset] == b"\n"
        assert piece.data.endswith(b"\n") or piece.offset + len(piece.data) == len(data)
    whole = read(data, Framing.LINES, portion, unfinished=False)
    assert b"".join(piece.data for piece in whole if isinstance(piece, Chunk)) == data[: data.rfind(b"\n") + 1]


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 64), st.integers(0, 39))
def test_messages_stay_whole(sizes: list[int], portion: int, missing: int) -> None:
    data = b"".join(bytes([size]) + b"m" * size for size in sizes)
    cut = data[: max(0, len(data) - missing)]
    pieces = read(cut, Framing.DELIMITED, portion, unfinished=False)
    got = b"".join(piece.data for piece in pieces if isinstance(piece, Chunk))
    position = 0
    while position < len(cut) and position + 1 + cut[position] <= len(cut):
        position += 1 + cut[position]
    assert got == data[:position]
    assert b"".join(piece.data for piece in read(cut, Framing.DELIMITED, portion) if isinstance(piece, Chunk)) == cut


def test_a_line_over_the_limit_is_one_record_and_read_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_MESSAGE_BYTES", 1000)
    monkeypatch.setattr(records, "CHUNK_BYTES", 300)
    data = b"first\n" + b"x" * 5000 + b"end\nlast\n"
    pieces = read(data, Framing.LINES, 300)
    unreadable = [piece for piece in pieces if isinstance(piece, Unreadable)]
    assert [(piece.offset, piece.length) for piece in unreadable] == [(6, 5004)]
    assert unreadable[0].tail.endswith(b"xend\n")
    assert "more than 1000 bytes" in unreadable[0].reason
    rest = [piece for piece in pieces if isinstance(piece, Chunk)]
    assert b"".join(piece.data for piece in rest) == b"first\nlast\n"
    assert rest[-1].offset == data.index(b"last")


def test_a_document_over_the_limit_is_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_DOCUMENT_BYTES", 1000)
    (piece,) = read(b"a" * 5000 + b"z", Framing.DOCUMENT, 300)
    assert isinstance(piece, Unreadable)
    assert (piece.offset, piece.length, piece.tail[-1:]) == (0, 5001, b"z")
    assert read(b"a" * 1000, Framing.DOCUMENT, 300) == [Chunk(0, b"a" * 1000)]
    assert read(b"", Framing.DOCUMENT, 300) == []
