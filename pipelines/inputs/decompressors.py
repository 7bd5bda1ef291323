"""Compressed data, a member at a time, with bounded output: one interface for every container."""

from __future__ import annotations

import bz2
import lzma
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable

GZIP: Final = "gzip"
ZSTD: Final = "zstd"
LZ4: Final = "lz4"
BZIP2: Final = "bzip2"
XZ: Final = "xz"

#: Memory that one stream may make the decompressor use: the window of `zstd -19`, the dictionary of `xz -9`.
_MEMORY_BYTES: Final = 256 << 20
_ZSTD_WINDOW_BYTES: Final = 128 << 20
#: Compressed bytes given to zstd at a time. Four of them may unpack to 128 KiB, and its output cannot be bounded.
_ZSTD_BYTES: Final = 2048


class Decompressor(Protocol):
    """Decompresses one member (a frame, a stream). The interface of Python's own `bz2.BZ2Decompressor`."""

    @property
    def eof(self) -> bool:
        """Whether the member is over."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether there is nothing to give without more input."""
        ...

    @property
    def unused_data(self) -> bytes | None:
        """What came behind the member."""
        ...

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """Take more input; give at most `max_length` bytes."""
        ...


class DamageError(ValueError):
    """Data that cannot be decompressed."""


class _Zstd:
    """One zstd frame. The library's own object gives all at once, so it is fed little at a time."""

    def __init__(self) -> None:
        import zstandard

        self._object = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
        self._error = zstandard.ZstdError
        self._input = b""
        self._output = b""

    @property
    def eof(self) -> bool:
        return self._object.eof and not self._output

    @property
    def needs_input(self) -> bool:
        return not (self._input or self._output or self._object.eof)

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data + self._input

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._input += data
        at = 0
        while not self._output and at < len(self._input) and not self._object.eof:
            try:
                self._output = self._object.decompress(self._input[at : at + _ZSTD_BYTES])
            except self._error as error:
                raise DamageError(str(error)) from error
            at += _ZSTD_BYTES
        self._input = self._input[at:]
        output = self._output[:max_length]
        self._output = self._output[max_length:]
        return output


def _gzip() -> Decompressor:
    from isal import igzip_lib

    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _lz4() -> Decompressor:
    import lz4.frame

    return lz4.frame.LZ4FrameDecompressor()  # type: ignore[no-any-return]  # lz4 has no types


def _xz() -> Decompressor:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY_BYTES)


_NEW: Final[dict[str, Callable[[], Decompressor]]] = {
    GZIP: _gzip,
    ZSTD: _Zstd,
    LZ4: _lz4,
    BZIP2: bz2.BZ2Decompressor,
    XZ: _xz,
}
COMPRESSIONS: Final = frozenset(_NEW)


def decompressor(compression: str) -> Decompressor:
    """A decompressor for one member."""
    return _NEW[compression]()


def _isal_error() -> type[Exception]:
    from isal import igzip_lib

    return cast("type[Exception]", igzip_lib.error)


def decompress(member: Decompressor, data: bytes, max_length: int) -> bytes:
    """What a member gives. Raises DamageError with the library's reason, whichever library it is."""
    try:
        return member.decompress(data, max_length)
    except (_isal_error(), lzma.LZMAError, OSError, RuntimeError, EOFError) as error:
        raise DamageError(str(error)) from error
