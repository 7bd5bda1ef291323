"""Bytes by position: a file, a part of one. What streams, archives and planners read from."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Protocol

from pipelines.inputs.errors import ChangedError, InputError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Buffer


class ByteSource(Protocol):
    """An open input. Several threads may read; one closes."""

    def at(self, size: int, position: int) -> bytes:
        """At most `size` bytes from `position` on; empty only at the end. Raises InputError where reading fails."""
        ...

    def size(self) -> int:
        """How long it is now."""
        ...

    def version(self) -> tuple[Hashable, ...]:
        """What tells it from what it is after a change."""
        ...

    def close(self) -> None:
        """Let go of it."""


class LocalBytes:
    """An open file of this machine, whatever its name comes to mean."""

    def __init__(self, name: str, handle: int) -> None:
        self._name = name
        self._handle = handle

    @staticmethod
    def open(path: str) -> LocalBytes:
        """Open a file. Raises ChangedError where it is gone, InputError where it cannot be opened."""
        try:
            return LocalBytes(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError as error:
            raise ChangedError(f"{path}: the file is gone; run again without it") from error
        except OSError as error:
            raise InputError(f"{path}: cannot be opened: {error.strerror}; check its permissions") from error

    def at(self, size: int, position: int) -> bytes:
        """See `ByteSource`."""
        try:
            return os.pread(self._handle, size, position)
        except OSError as error:
            raise InputError(f"{self._name}: byte {position} cannot be read: {error.strerror}") from error

    def size(self) -> int:
        """See `ByteSource`."""
        return os.fstat(self._handle).st_size

    def version(self) -> tuple[Hashable, ...]:
        """See `ByteSource`."""
        status = os.fstat(self._handle)
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def close(self) -> None:
        """See `ByteSource`."""
        os.close(self._handle)


class PartOfBytes:
    """Bytes `begin` to `begin + size` of a source, which is closed with it."""

    def __init__(self, source: ByteSource, begin: int, size: int) -> None:
        self._source = source
        self._begin = begin
        self._size = size

    def at(self, size: int, position: int) -> bytes:
        """See `ByteSource`."""
        wanted = min(size, self._size - position)
        return self._source.at(wanted, self._begin + position) if wanted > 0 else b""

    def size(self) -> int:
        """See `ByteSource`."""
        return self._size

    def version(self) -> tuple[Hashable, ...]:
        """See `ByteSource`."""
        return (*self._source.version(), self._begin, self._size)

    def close(self) -> None:
        """See `ByteSource`."""
        self._source.close()


class SourceFile(io.RawIOBase):
    """A source of `size` bytes as a file object, for libraries that want one."""

    def __init__(self, source: ByteSource, size: int) -> None:
        super().__init__()
        self._source = source
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        """Read into a buffer."""
        view = memoryview(buffer).cast("B")
        data = self._source.at(len(view), self._position)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
