"""Files, compressed or not, as forward byte streams, with a limit on what a small file may unpack to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from pipelines.inputs.decompressors import (
    BZIP2,
    COMPRESSIONS,
    GZIP,
    LZ4,
    XZ,
    ZSTD,
    DamageError,
    decompress,
    decompressor,
)
from pipelines.inputs.errors import DamagedError, InputError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pipelines.inputs.byte_sources import ByteSource

PLAIN: Final = "none"
TAR: Final = "tar"
ZIP: Final = "zip"

_MAGIC: Final = {
    b"\x1f\x8b": GZIP,
    b"\x28\xb5\x2f\xfd": ZSTD,
    b"\x04\x22\x4d\x18": LZ4,
    b"BZh": BZIP2,
    b"\xfd7zXZ\x00": XZ,
    b"PK\x03\x04": ZIP,
    b"PK\x05\x06": ZIP,
}
_TAR_MAGIC: Final = (257, b"ustar")
#: First bytes that tell every container.
CONTAINER_BYTES: Final = 512
#: Compressed bytes taken at a time: what is lost before a damaged place.
_READ_BYTES: Final = 64 << 10
_SKIP_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one compressed file may unpack to: `total_bytes`, and `ratio` times its size past the first `free_bytes`.

    Access logs shrink about 15 times, highly repetitive ones 100 times; a bomb of zeros reaches 1,000.
    """

    total_bytes: int = 1 << 40
    ratio: int = 400
    free_bytes: int = 64 << 20


class Stream(Protocol):
    """A forward stream of decompressed bytes, all from one open file, whatever its name comes to mean."""

    @property
    def is_cut_off(self) -> bool:
        """Whether the stream ended, at the last `read`, where its container says that more must follow."""
        ...

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end."""
        ...

    def skip_to(self, position: int) -> None:
        """Go forward to a position in the decompressed stream, or to its end if that comes first."""

    def head(self, size: int) -> bytes:
        """The first bytes as they are now, wherever the stream stands."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def container_of(head: bytes) -> str:
    """The name of a file's container, `none` where it has none, from its first bytes (`CONTAINER_BYTES` of them)."""
    if head[_TAR_MAGIC[0] :].startswith(_TAR_MAGIC[1]):
        return TAR
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), PLAIN)


def stream_of(path: str, source: ByteSource, compression: str, limits: Limits | None = None) -> Stream:
    """A stream of what a source holds, which is closed with it; `path` is its name in messages."""
    if compression in COMPRESSIONS:
        return CompressedStream(path, source, compression, limits or Limits())
    return PlainStream(source)


def read_exactly(stream: Stream, size: int) -> bytes:
    """`size` bytes, fewer only at the stream's end."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


class PlainStream:
    """The bytes of a source as they are."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._position = 0

    @property
    def is_cut_off(self) -> bool:
        """A plain file may end anywhere."""
        return False

    def read(self, size: int) -> bytes:
        """See `Stream`. Raises InputError where the disk fails."""
        data = self._source.at(size, self._position)
        self._position += len(data)
        return data

    def skip_to(self, position: int) -> None:
        """See `Stream`."""
        self._position = position

    def head(self, size: int) -> bytes:
        """See `Stream`."""
        return self._source.at(size, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()


class CompressedStream:
    """The bytes that the members of a compressed file unpack to, one after the other.

    A last member that is cut off (a file still being written) ends the stream where its bytes end. Zero bytes after a
    member are padding.
    """

    def __init__(self, path: str, source: ByteSource, compression: str, limits: Limits) -> None:
        self._path = path
        self._source = source
        self._compression = compression
        self._limits = limits
        self._member = decompressor(compression)
        self._member_is_new = True
        self._input = b""
        self._taken = 0
        self._position = 0
        self._ended = False

    @property
    def is_cut_off(self) -> bool:
        """Whether the end was met inside a member: the file is still being written, or was cut short."""
        return self._ended and not self._member_is_new and not self._member.eof

    def read(self, size: int) -> bytes:
        """See `Stream`. Raises DamagedError on damaged data, InputError past the limits."""
        while True:
            if self._member.eof:
                self._input = (self._member.unused_data or b"").lstrip(b"\0")
                if not self._input and not self._fill(padding=True):
                    return b""
                self._member = decompressor(self._compression)
                self._member_is_new = True
            elif self._member.needs_input and not self._input and not self._fill(padding=False):
                self._ended = True
                return b""
            output = self._unpack(self._input, size)
            self._input = b""
            if output:
                return output

    def skip_to(self, position: int) -> None:
        """See `Stream`."""
        while self._position < position and self.read(min(_SKIP_BYTES, position - self._position)):
            pass

    def head(self, size: int) -> bytes:
        """See `Stream`."""
        return read_exactly(CompressedStream(self._path, self._source, self._compression, self._limits), size)

    def _fill(self, *, padding: bool) -> bool:
        """Read more of the file, past zeros where they are padding; False at its end."""
        while True:
            data = self._source.at(_READ_BYTES, self._taken)
            self._taken += len(data)
            self._input = data.lstrip(b"\0") if padding else data
            if self._input or not data:
                return bool(self._input)

    def _unpack(self, data: bytes, size: int) -> bytes:
        self._member_is_new &= not data
        try:
            output = decompress(self._member, data, size)
        except DamageError as error:
            raise DamagedError(
                f"damaged {self._compression} data ({error}) after {self._position} decompressed bytes; what follows "
                "cannot be read"
            ) from error
        self._position += len(output)
        check_limits(self._path, self._position, self._taken, self._limits)
        return output

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()


def check_limits(path: str, unpacked: int, compressed: int, limits: Limits) -> None:
    """Raises InputError where so many compressed bytes may not unpack to so many."""
    allowed = min(limits.total_bytes, limits.free_bytes + limits.ratio * compressed)
    if unpacked > allowed:
        raise InputError(
            f"{path}: unpacks to more than {allowed} bytes ({compressed} compressed), which is refused as an archive "
            "bomb; if it is genuine, unpack it and ingest the plain file"
        )
