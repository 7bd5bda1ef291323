"""Messages preceded by their length as a protobuf varint, as collectors and sinks write them to files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.parsers.limits import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_VARINT_BYTES = 10


# No exporter writes empty messages; a long run of zeros is what a crash leaves of a file whose blocks were not written.
_ZEROS = re.compile(rb"\x00{16,}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: offsets into the chunk of its length prefix, its first byte and the byte after its last.

    `problem` is set where `start` to `end` is no message: a run of zeros, or the rest of a chunk that cannot be cut
    any further, for after a wrong length nothing says where the next message begins.
    """

    offset: int
    start: int
    end: int
    problem: str | None = None


def frames(chunk: bytes) -> Iterator[Frame]:
    """Cut a chunk that begins at a length prefix into messages, in order."""
    offset = 0
    size = len(chunk)
    while offset < size:
        length, start = read_varint(chunk, offset, size)
        if length == 0 and (zeros := _ZEROS.match(chunk, offset)):
            yield Frame(offset, offset, zeros.end(), f"{zeros.end() - offset} zero bytes where a message should begin")
            offset = zeros.end()
            continue
        if length is None:
            problem = (
                "no valid message length" if size - offset >= _MAX_VARINT_BYTES else "the message length is cut off"
            )
        elif length > MAX_MESSAGE_BYTES:
            problem = f"a message length of {length} bytes, over the limit of {MAX_MESSAGE_BYTES}"
        elif start + length > size:
            problem = f"a message of {length} bytes of which only {size - start} are there"
        else:
            yield Frame(offset, start, start + length)
            offset = start + length
            continue
        yield Frame(offset, offset, size, f"{problem}; the rest of the input cannot be cut into messages")
        return


def complete_length(chunk: bytes) -> int:
    """How many leading bytes of a chunk are whole messages; a growing file is read so far and no further.

    Returns the chunk's size where its tail is damaged rather than short, so that the damage is read and rejected.
    Zeros at the end may be space that the writer has yet to fill, and are left.
    """
    for frame in frames(chunk):
        if frame.problem is not None and frame.end == len(chunk):
            length, _ = read_varint(chunk, frame.offset, len(chunk))
            is_short = len(chunk) - frame.offset < _MAX_VARINT_BYTES if length is None else length <= MAX_MESSAGE_BYTES
            return frame.offset if is_short else len(chunk)
    return len(chunk)


def read_varint(data: bytes, position: int, end: int) -> tuple[int | None, int]:
    """The varint at `position` and the position after it; None where it is cut off by `end` or over ten bytes."""
    value = 0
    shift = 0
    for at in range(position, min(position + _MAX_VARINT_BYTES, end)):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7
    return None, position
