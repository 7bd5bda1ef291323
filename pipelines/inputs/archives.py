"""Tar and zip archives as folders of files. Nothing is extracted to a name that an archive chooses."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pipelines.inputs.byte_sources import PartOfBytes, SourceFile
from pipelines.inputs.compression import PLAIN, TAR, Limits, check_limits, stream_of
from pipelines.inputs.errors import ChangedError, DamagedError, InputError
from pipelines.inputs.spool import SPOOLS
from pipelines.inputs.tar_members import Member, tar_members

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from pipelines.inputs.byte_sources import ByteSource

#: Members of one archive at most.
_MOST_MEMBERS: Final = 1_000_000
_PIECE_BYTES: Final = 1 << 20
#: Compressed bytes at a time where Python's reader gives all that they unpack to at once: 80 MB at most.
_UNBOUNDED_BYTES: Final = 4096
_ZIP_ERRORS: Final = (zipfile.BadZipFile, NotImplementedError, OSError, ValueError)
_ENCRYPTED: Final = 1
_SYMBOLIC_LINK: Final = 0o120000


def members_of(
    source: ByteSource, archive: tuple[str, str, str], limits: Limits | None = None
) -> tuple[list[Member], str]:
    """The files in an archive, and why they are not all, empty where they are. Closes the source.

    Of several members of one name the last counts, as when they are unpacked.

    Args:
        source: the archive, open.
        archive: its path, the compression around it, and its kind.
        limits: what it may unpack to.
    """
    path, around, kind = archive
    found: list[Member] = []
    problem = ""
    try:
        unpacked = _unpacked(source, path, around, limits)
        try:
            for member in tar_members(unpacked) if kind == TAR else _zip_members(unpacked, path, limits or Limits()):
                found.append(_allowed(member))
                if len(found) > _MOST_MEMBERS:
                    problem = f"more than {_MOST_MEMBERS} members; the rest is not read"
                    break
        finally:
            unpacked.close()
    except DamagedError as error:
        problem = str(error)
    last = {member.name: position for position, member in enumerate(found)}
    return [member for position, member in enumerate(found) if last[member.name] == position], problem


def open_member(
    source: ByteSource, archive: tuple[str, str, str], name: str, limits: Limits | None = None
) -> ByteSource:
    """The bytes of one member. Takes the source over.

    Raises:
        ChangedError: there is no such member any more.
        InputError: it cannot be unpacked, or not within the limits.
    """
    path, around, kind = archive
    if kind == TAR:
        unpacked = _unpacked(source, path, around, limits)
        member = _index(unpacked, path, around).get(name)
        if member is None:
            unpacked.close()
            raise ChangedError(f"{path}!{name}: is in the archive no longer; run again")
        return PartOfBytes(unpacked, member.begin, member.size)
    key = (*_key(source, path), around, kind, name)
    try:
        return SPOOLS.open(key, f"{path}!{name}", lambda: _zip_pieces(source, path, name, limits or Limits()))
    finally:
        source.close()


_INDEXES: Final[dict[Hashable, dict[str, Member]]] = {}


def _index(unpacked: ByteSource, path: str, around: str) -> dict[str, Member]:
    """Members by name. Kept for one archive: its members are read one after the other."""
    key = (*_key(unpacked, path), around)
    found = _INDEXES.get(key)
    if found is None:
        found = {}
        try:
            for member in tar_members(unpacked):
                found[member.name] = member
        except DamagedError:
            pass  # what came before is good, and was planned
        _INDEXES.clear()
        _INDEXES[key] = found
    return found


def _unpacked(source: ByteSource, path: str, around: str, limits: Limits | None) -> ByteSource:
    """An archive without what is around it; takes the source over."""
    if around == PLAIN:
        return source

    def pieces() -> Iterator[bytes]:
        stream = stream_of(path, source, around, limits)
        try:
            while piece := stream.read(_PIECE_BYTES):
                yield piece
        except DamagedError:
            return  # the headers tell how much of the archive is there

    try:
        return SPOOLS.open((*_key(source, path), around), path, pieces)
    finally:
        source.close()


def _key(source: ByteSource, path: str) -> tuple[Hashable, ...]:
    """What tells an archive from what it is after a change."""
    return (path, *source.version())


def _allowed(member: Member) -> Member:
    """The member, refused where its name is none that files in a folder can have."""
    parts = member.name.split("/")
    refused = member.refused
    if member.name.startswith("/") or ".." in parts or "\\" in member.name or ":" in parts[0]:
        refused = "its name leads out of the archive"
    elif "\0" in member.name or not member.name:
        refused = "its name is no file name"
    else:
        try:
            member.name.encode()
        except UnicodeEncodeError:
            refused = "its name is not UTF-8"
    name = member.name.encode("utf-8", "backslashreplace").decode()
    return Member(name, member.begin, member.size, member.modified_us, refused)


def _zip_members(source: ByteSource, path: str, limits: Limits) -> Iterator[Member]:
    with _zip(source, path) as archive:
        check_limits(path, sum(entry.file_size for entry in archive.infolist()), source.size(), limits)
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            refused = ""
            if entry.flag_bits & _ENCRYPTED:
                refused = "encrypted"
            elif entry.external_attr >> 16 & 0o170000 == _SYMBOLIC_LINK:
                refused = "a link in an archive"
            try:
                modified = datetime(*entry.date_time, tzinfo=UTC).timestamp()
            except ValueError:
                modified = 0.0
            yield Member(entry.filename, 0, entry.file_size, int(modified * 1e6), refused)


def _zip_pieces(source: ByteSource, path: str, name: str, limits: Limits) -> Iterator[bytes]:
    with _zip(source, path) as archive:
        try:
            entry = archive.getinfo(name)
        except KeyError as error:
            raise ChangedError(f"{path}!{name}: is in the archive no longer; run again") from error
        size = 0
        at_a_time = (
            _PIECE_BYTES if entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else _UNBOUNDED_BYTES
        )
        try:
            with archive.open(entry) as file:
                while piece := file.read(at_a_time):
                    size += len(piece)
                    check_limits(f"{path}!{name}", size, entry.compress_size, limits)
                    yield piece
        except (*_ZIP_ERRORS, EOFError, RuntimeError, zlib.error, lzma.LZMAError) as error:
            raise InputError(f"{path}!{name}: cannot be unpacked: {error}") from error


def _zip(source: ByteSource, path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BufferedReader(SourceFile(source, source.size())))
    except _ZIP_ERRORS as error:
        raise DamagedError(f"{path}: damaged zip archive ({error}); nothing in it can be told apart") from error
