"""Plain and gzip files as forward byte streams, with a limit on what a small file may unpack to."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from pipelines.inputs.errors import ChangedError, DamagedError, InputError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

GZIP: Final = "gzip"
PLAIN: Final = "none"

#: First bytes of containers that are recognised but not read yet.
_CONTAINERS: Final = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
}
_GZIP_MAGIC: Final = b"\x1f\x8b"
_TAR_MAGIC: Final = (257, b"ustar")
#: Compressed bytes taken at a time: what is lost before a damaged place.
_READ_BYTES: Final = 64 << 10
_SKIP_BYTES: Final = 8 << 20
_GZIP_WINDOW: Final = 31  # zlib's code for "a gzip header, the largest window"


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
    """`none`, `gzip`, or the name of a container that is not read yet, from a file's first bytes (512 of them)."""
    if head.startswith(_GZIP_MAGIC):
        return GZIP
    if head[_TAR_MAGIC[0] :].startswith(_TAR_MAGIC[1]):
        return "tar"
    return next((name for magic, name in _CONTAINERS.items() if head.startswith(magic)), PLAIN)


def open_stream(path: str, compression: str, limits: Limits | None = None) -> Stream:
    """Open a file for reading from its start.

    Raises:
        ChangedError: the file is gone.
        InputError: it cannot be opened.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise ChangedError(f"{path}: the file is gone; run again without it") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}; check its permissions") from error
    return GzipStream(path, handle, limits or Limits()) if compression == GZIP else PlainStream(path, handle)


def read_exactly(stream: Stream, size: int) -> bytes:
    """`size` bytes, fewer only at the stream's end."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


class PlainStream:
    """The bytes of a file as they are."""

    def __init__(self, path: str, handle: int) -> None:
        self._path = path
        self._handle = handle
        self._position = 0

    @property
    def is_cut_off(self) -> bool:
        """A plain file may end anywhere."""
        return False

    def read(self, size: int) -> bytes:
        """See `Stream`. Raises InputError where the disk fails."""
        data = self._at(size, self._position)
        self._position += len(data)
        return data

    def skip_to(self, position: int) -> None:
        """See `Stream`."""
        self._position = position

    def head(self, size: int) -> bytes:
        """See `Stream`."""
        return self._at(size, 0)

    def _at(self, size: int, position: int) -> bytes:
        try:
            return os.pread(self._handle, size, position)
        except OSError as error:
            raise InputError(f"{self._path}: byte {position} cannot be read: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)


class GzipStream:
    """The bytes that the members of a gzip file unpack to, one after the other.

    A last member that is cut off (a file still being written) ends the stream where its bytes end. Zero bytes after a
    member are padding.
    """

    def __init__(self, path: str, handle: int, limits: Limits) -> None:
        self._path = path
        self._handle = handle
        self._file = PlainStream(path, handle)
        self._limits = limits
        self._member = zlib.decompressobj(wbits=_GZIP_WINDOW)
        self._input = b""
        self._taken = 0
        self._position = 0
        self._ended = False

    @property
    def is_cut_off(self) -> bool:
        """Whether the end was met inside a member: the file is still being written, or was cut short."""
        return self._ended and self._taken > 0 and not self._member.eof

    def read(self, size: int) -> bytes:
        """See `Stream`. Raises DamagedError on damaged data, InputError past the limits."""
        while True:
            if self._member.eof:
                self._input = self._member.unused_data.lstrip(b"\0")
                if not self._input and not self._fill(padding=True):
                    return b""
                self._member = zlib.decompressobj(wbits=_GZIP_WINDOW)
            elif not self._input and not self._fill(padding=False):
                self._ended = True
                return self._inflate(b"", size)
            output = self._inflate(self._input, size)
            self._input = self._member.unconsumed_tail
            if output:
                return output

    def skip_to(self, position: int) -> None:
        """See `Stream`."""
        while self._position < position and self.read(min(_SKIP_BYTES, position - self._position)):
            pass

    def head(self, size: int) -> bytes:
        """See `Stream`."""
        return read_exactly(GzipStream(self._path, self._handle, self._limits), size)

    def _fill(self, *, padding: bool) -> bool:
        """Read more of the file, past zeros where they are padding; False at its end."""
        while True:
            data = self._file.read(_READ_BYTES)
            self._taken += len(data)
            self._input = data.lstrip(b"\0") if padding else data
            if self._input or not data:
                return bool(self._input)

    def _inflate(self, data: bytes, size: int) -> bytes:
        try:
            output = self._member.decompress(data, size)
        except zlib.error as error:
            raise DamagedError(
                f"damaged gzip data ({error}) after {self._position} decompressed bytes; what follows cannot be read"
            ) from error
        self._position += len(output)
        limits = self._limits
        allowed = min(limits.total_bytes, limits.free_bytes + limits.ratio * self._taken)
        if self._position > allowed:
            raise InputError(
                f"{self._path}: unpacks to more than {allowed} bytes ({self._taken} compressed), which is refused as "
                "an archive bomb; if it is genuine, unpack it and ingest the plain file"
            )
        return output

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)
