"""Inputs on other machines: object stores and web servers.

`s3://`, `gs://` and `abfs://` are read through Arrow's own file systems, as lakes are, with the usual environment
variables of each; other addresses through fsspec where it is installed. A file at `http(s)://` is downloaded once into
a nameless temporary file; a user and password for it come from `~/.netrc`.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar

from pipelines.inputs.addresses import has_credentials, is_web, scheme_of
from pipelines.inputs.errors import ChangedError, InputError
from pipelines.inputs.found import FoundFile, Skipped
from pipelines.inputs.spool import SPOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from pyarrow import fs

    from pipelines.inputs.byte_sources import ByteSource

#: Schemes that Arrow reads itself.
_ARROW: Final = frozenset({"s3", "gs", "gcs", "abfs", "abfss"})
_MAGIC: Final = re.compile(r"[*?\[]")
#: What is fetched at least: a request takes some hundredths of a second whatever its size.
_BLOCK_BYTES: Final = 1 << 20
_TIMEOUT_SECONDS: Final = (10, 60)
_STORE: Final = re.compile(r"[a-z0-9]+://[^/]*", re.IGNORECASE)
#: When each web address was last looked at, so that a later look downloads it again, and how old its file is.
_LOOKS: Final[dict[str, int]] = {}
_MODIFIED: Final[dict[str, int]] = {}

T = TypeVar("T")


def find_remote(address: str, *, must_exist: bool) -> tuple[list[FoundFile], list[Skipped]]:
    """The file at an address, all files beneath the folder there, or those that a pattern matches, sorted.

    Raises:
        InputError: there is none, or it cannot be reached.
    """
    if has_credentials(address):
        raise InputError(
            f"{address.partition('?')[0].rpartition('@')[2]}: the address holds a credential, which would be stored "
            "with all that is read from it; fetch it yourself and pipe it in: curl ... | meshlens ingest -"
        )
    if is_web(address):
        return [_web_file(address)], []
    filesystem, path = _filesystem(address)
    prefix = address[: len(address) - len(path)]
    matched = _MAGIC.search(path)
    base = path[: path.rindex("/", 0, matched.start())] if matched else path.rstrip("/")
    pattern = _translated(path) if matched else None
    entries = sorted(_listed(filesystem, base, address), key=lambda entry: entry.path)
    files: list[FoundFile] = []
    skipped: list[Skipped] = []
    for entry in entries:
        name = f"{prefix}{entry.path}"
        if pattern is not None and not pattern.fullmatch(entry.path):
            continue
        if any(part.startswith(".") for part in entry.path[len(base) :].split("/")):
            skipped.append(Skipped(name, "hidden; name it to read it"))
        else:
            files.append(_found(name, entry.size, (entry.mtime_ns or 0) // 1000))
    if must_exist and not files and not skipped:
        raise InputError(f"{address}: no such file, folder or match; check the address")
    return files, skipped


def open_remote(address: str) -> ByteSource:
    """Open the file at an address.

    Raises:
        ChangedError: it is gone.
        InputError: it cannot be reached.
    """
    if is_web(address):
        return SPOOLS.open((address, _LOOKS.get(address, 0)), address, lambda: _download(address))
    filesystem, path = _filesystem(address)
    (entry,) = _asked(address, lambda: filesystem.get_file_info([path]))
    if not entry.is_file:
        raise ChangedError(f"{address}: the file is gone; run again without it")
    return RemoteBytes(address, filesystem.open_input_file(path), entry)


def is_remote_file(address: str) -> bool:
    """Whether there is a file at an address."""
    if is_web(address):
        return True
    filesystem, path = _filesystem(address)
    (entry,) = _asked(address, lambda: filesystem.get_file_info([path]))
    return bool(entry.is_file)


class RemoteBytes:
    """An object of a store, fetched by ranges."""

    def __init__(self, name: str, file: object, entry: fs.FileInfo) -> None:
        self._name = name
        self._file = file
        self._entry = entry
        self._lock = threading.Lock()
        self._block = b""
        self._begin = 0

    def at(self, size: int, position: int) -> bytes:
        """See `ByteSource`."""
        wanted = min(size, self._entry.size - position)
        if wanted <= 0:
            return b""
        with self._lock:
            if not self._begin <= position <= position + wanted <= self._begin + len(self._block):
                length = min(max(wanted, _BLOCK_BYTES), self._entry.size - position)
                self._block = _asked(self._name, lambda: bytes(self._file.read_at(length, position)))  # type: ignore[attr-defined] # Arrow has no types
                self._begin = position
            start = position - self._begin
            data = self._block[start : start + wanted]
            if len(self._block) > _BLOCK_BYTES:
                self._block = b""
            return data

    def size(self) -> int:
        """See `ByteSource`."""
        return int(self._entry.size)

    def version(self) -> tuple[Hashable, ...]:
        """See `ByteSource`."""
        return self._name, self._entry.size, self._entry.mtime_ns

    def close(self) -> None:
        """See `ByteSource`."""
        self._file.close()  # type: ignore[attr-defined] # as above


def _asked(address: str, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except OSError as error:
        raise InputError(f"{address}: cannot be read: {_said(error)}; check the address and the credentials") from error


def _said(error: Exception) -> str:
    """The first line of what a library says: others hold headers and whole answers."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _filesystem(address: str) -> tuple[fs.FileSystem, str]:
    """What reads an address, and the path by which it does; the address ends with the path."""
    matched = _STORE.match(address)
    if matched is None or scheme_of(address) not in _ARROW:
        return _other_filesystem(address)
    filesystem, root = _store(matched.group())
    rest = address[matched.end() :]
    return filesystem, f"{root}{rest}"


@lru_cache(maxsize=64)
def _store(address: str) -> tuple[fs.FileSystem, str]:
    # Kept, because finding a bucket's region is a request.
    from pyarrow import fs

    try:
        found, root = fs.FileSystem.from_uri(address)
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"{address}: cannot be reached: {_said(error)}; check the address") from error
    return found, root


def _other_filesystem(address: str) -> tuple[fs.FileSystem, str]:
    from pyarrow import fs

    scheme = scheme_of(address)
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise InputError(f"{address}: reading {scheme}:// needs fsspec: pip install 'meshlens[remote]'") from error
    try:
        found, path = url_to_fs(address)
    except (ImportError, ValueError, OSError) as error:
        raise InputError(f"{address}: {scheme}:// cannot be read: {_said(error)}") from error
    return fs.PyFileSystem(fs.FSSpecHandler(found)), path


def _listed(filesystem: fs.FileSystem, base: str, address: str) -> list[fs.FileInfo]:
    from pyarrow import fs

    (entry,) = _asked(address, lambda: filesystem.get_file_info([base]))
    if entry.is_file:
        return [entry]
    selector = fs.FileSelector(base, recursive=True, allow_not_found=True)
    return [entry for entry in _asked(address, lambda: filesystem.get_file_info(selector)) if entry.is_file]


def _translated(pattern: str) -> re.Pattern[str]:
    """A pattern of paths: `*` and `?` stay within a folder, `**` does not."""
    pieces = re.split(r"(\*\*/?|\*|\?|\[!?[^\]]+\])", pattern)
    known = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.compile(
        "".join(
            known.get(piece) or (f"[{piece[1:-1].replace('!', '^', 1)}]" if number % 2 else re.escape(piece))
            for number, piece in enumerate(pieces)
        ),
        re.DOTALL,
    )


def _found(name: str, size: int, modified_us: int) -> FoundFile:
    digest = blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
    return FoundFile(name, (-1, int.from_bytes(digest, "little")), size, modified_us)


def _web_file(address: str) -> FoundFile:
    _LOOKS[address] = time.monotonic_ns()
    source = open_remote(address)
    try:
        return _found(address, source.size(), _MODIFIED.pop(address, 0) or time.time_ns() // 1000)
    finally:
        source.close()


def _download(address: str) -> Iterator[bytes]:
    import requests

    try:
        with requests.get(address, stream=True, timeout=_TIMEOUT_SECONDS) as answer:
            answer.raise_for_status()
            modified = answer.headers.get("Last-Modified")
            if modified:
                with contextlib.suppress(ValueError):
                    _MODIFIED[address] = int(parsedate_to_datetime(modified).timestamp() * 1e6)
            # As it is kept there: `.gz` files are told by what they hold, and packed answers unpacked.
            yield from answer.iter_content(_BLOCK_BYTES)
    except (requests.RequestException, OSError) as error:
        raise InputError(f"{address}: cannot be downloaded: {_said(error)}; check the address") from error
