"""The members of a tar archive (ustar, GNU, pax), by position: headers are read, nothing is extracted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.inputs.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.inputs.byte_sources import ByteSource

_BLOCK: Final = 512
#: Headers that hold a long name or attributes are no longer than this.
_HEADER_BYTES: Final = 1 << 20
_REGULAR: Final = frozenset({b"0", b"\0", b"7"})
_KINDS: Final = {b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"6": "a pipe", b"S": "sparse"}
_FOLDER, _LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"5", b"L", b"K", b"x", b"g"


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: where its bytes begin (tar) and how many they are; why it is not read, else empty."""

    name: str
    begin: int
    size: int
    modified_us: int
    refused: str = ""


def tar_members(source: ByteSource) -> Iterator[Member]:
    """The files of an archive in its order, folders left out.

    Raises:
        DamagedError: a header is damaged, or the archive ends within a member.
    """
    position = 0
    attributes: dict[str, str] = {}
    while True:
        header = source.at(_BLOCK, position)
        if not header.strip(b"\0"):
            return
        size, kind = _checked(header, position)
        begin = position + _BLOCK
        position = begin + (size + _BLOCK - 1) // _BLOCK * _BLOCK
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            attributes |= _attributes(source, kind, begin, size)
            continue
        size = _whole(attributes.get("size"), size)
        position = begin + (size + _BLOCK - 1) // _BLOCK * _BLOCK if kind in _REGULAR else position
        name = attributes.get("path") or _name(header)
        seconds = float(_number(header[136:148]))
        attributes = {}
        if kind == _FOLDER or (kind == b"\0" and name.endswith("/")):
            continue
        refused = "" if kind in _REGULAR else f"{_KINDS.get(kind, 'no regular file')} in an archive"
        if size and not refused and not source.at(1, begin + size - 1):
            raise DamagedError(f"the archive ends within {name}")
        yield Member(name, begin, size, int(seconds * 1e6), refused)


def _checked(header: bytes, position: int) -> tuple[int, bytes]:
    """The size and kind of a header whose checksum is right."""
    expected = _number(header[148:156])
    if len(header) < _BLOCK or sum(header[:148]) + 8 * 32 + sum(header[156:]) != expected:
        raise DamagedError(f"damaged tar header at byte {position}; what follows cannot be read")
    size = _number(header[124:136])
    if not 0 <= size < 1 << 60:
        raise DamagedError(f"tar header at byte {position} says {size} bytes; what follows cannot be read")
    return size, header[156:157]


def _number(field: bytes) -> int:
    """An octal number, or one in base 256; -1 where it is neither."""
    if field[:1] in (b"\x80", b"\xff"):
        return int.from_bytes(field[1:], "big") if field[:1] == b"\x80" else -1
    try:
        return int(field.strip(b"\0 ") or b"0", 8)
    except ValueError:
        return -1


def _name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    prefix = header[345:500].split(b"\0", 1)[0] if header[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "surrogateescape")


def _attributes(source: ByteSource, kind: bytes, begin: int, size: int) -> dict[str, str]:
    if kind in (_LONG_LINK, _PAX_GLOBAL):
        return {}
    if size > _HEADER_BYTES:
        raise DamagedError(f"tar header at byte {begin} has {size} bytes of attributes; what follows cannot be read")
    data = source.at(size, begin)
    if kind == _LONG_NAME:
        return {"path": data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")}
    found: dict[str, str] = {}
    while data:
        length, _, _ = data.partition(b" ")
        record = data[: int(length)] if length.isdigit() and int(length) > 0 else b""
        key, equals, value = record[len(length) + 1 :].rstrip(b"\n").partition(b"=")
        if not equals:
            break
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        data = data[len(record) :]
    return {key: value for key, value in found.items() if key in ("path", "size")}


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 19 else otherwise
