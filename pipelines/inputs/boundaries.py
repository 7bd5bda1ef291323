"""Where records end in files of lines: after a newline, or, where a record may be several lines, after its last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.wrappers.names import is_in_parts

if TYPE_CHECKING:
    from pipelines.inputs.compression import Stream

_SCAN_BYTES: Final = 1 << 16
#: How far back the beginning of a record in parts may be: runtimes cut lines of more than 16 KiB.
_PARTS_BYTES: Final = 1 << 20


def records_length(data: bytes, wrapper: str | None) -> int:
    """How many bytes at the beginning of `data`, which begins with a record, are whole records."""
    end = data.rfind(b"\n") + 1
    return _last_end(data, max(0, end - _PARTS_BYTES), end, wrapper) if is_in_parts(wrapper) and end else end


def after_record(stream: Stream, position: int, size: int, wrapper: str | None) -> int | None:
    """The first beginning of a record at or after `position`; None where there is none before `size`."""
    line = _after_newline(stream, position, size)
    if line is None or not is_in_parts(wrapper):
        return line
    from pipelines.parsers.wrappers.registry import record_ends

    begin = max(0, line - _PARTS_BYTES)
    stream.skip_to(begin)
    data = _read(stream, min(size, line + _PARTS_BYTES) - begin)
    ends = record_ends(wrapper or "", np.frombuffer(data, np.uint8))
    for end in ends[ends >= line - begin - 2].tolist():
        newline = data.find(b"\n", end)
        if newline >= 0 and begin + newline + 1 >= line:
            return begin + newline + 1
    # Not one whole record in two mebibytes: whatever this is, lines are as good a measure as any.
    return line


def after_last_record(stream: Stream, lowest: int, size: int, wrapper: str | None) -> int:
    """The last beginning of a record in `lowest` to `size`; `lowest` where there is none."""
    end = _after_last_newline(stream, lowest, size)
    if end == lowest or not is_in_parts(wrapper):
        return end
    begin = max(lowest, end - _PARTS_BYTES)
    stream.skip_to(begin)
    data = _read(stream, end - begin)
    length = _last_end(data, 0, len(data), wrapper)
    return begin + length if length else lowest


def _last_end(data: bytes, begin: int, end: int, wrapper: str | None) -> int:
    """Behind the last whole record that ends in `data[begin:end]`; 0 where none does."""
    from pipelines.parsers.wrappers.registry import record_ends

    ends = record_ends(wrapper or "", np.frombuffer(data, np.uint8)[begin:end])
    return data.find(b"\n", begin + int(ends[-1])) + 1 if len(ends) else 0


def _read(stream: Stream, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _after_newline(stream: Stream, position: int, size: int) -> int | None:
    at = position - 1
    while at < size:
        stream.skip_to(at)
        data = stream.read(min(_SCAN_BYTES, size - at))
        found = data.find(b"\n")
        if found >= 0:
            return at + found + 1
        if not data:
            return None
        at += len(data)
    return None


def _after_last_newline(stream: Stream, lowest: int, size: int) -> int:
    end = size
    while end > lowest:
        begin = max(lowest, end - _SCAN_BYTES)
        stream.skip_to(begin)
        found = stream.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return lowest
