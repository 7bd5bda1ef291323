"""Where a lake's bytes are: a local folder or an object store, behind the few operations the lake needs.

Paths are relative to the lake and use `/`. On a local disk a write is a temporary file, fsync, rename and fsync of the
folder, so that a name either holds all its bytes or does not exist; an object store's put is atomic by itself.
"""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyarrow import fs

from pipelines.lake.errors import LakeError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# DuckDB expands `*?[` in file names and reads `key=value` folders above the lake as partition columns; delta-rs takes
# `%20` in a path for a space.
_UNUSABLE: Final = re.compile(r"[*?\[]|%[0-9A-Fa-f]{2}|(^|/)[^/=]+=[^/]*(/|$)")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the lake: its relative path, size and modification time (seconds since 1970)."""

    path: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Storage:
    """A lake's place: `uri` as Delta wants it, `root` as the file system wants it."""

    uri: str
    root: str
    filesystem: fs.FileSystem
    is_local: bool

    def full(self, path: str) -> str:
        """`path` as the file system (and, on a local disk, DuckDB) names it."""
        return f"{self.root}/{path}"

    def local(self, path: str) -> Path:
        """`path` on the local disk."""
        return Path(self.root) / path

    def table_uri(self, table: str) -> str:
        """The address of a table for delta-rs."""
        return f"{self.uri}/{table}"

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder at `path`."""
        return bool(self.filesystem.get_file_info(self.full(path)).type != fs.FileType.NotFound)

    def read(self, path: str) -> bytes:
        """All bytes of a file. Raises FileNotFoundError."""
        with self.filesystem.open_input_file(self.full(path)) as file:
            return bytes(file.read())

    def write(self, path: str, data: bytes) -> None:
        """Write a file so that it is either all there, and stays, or not there at all."""
        self.write_with(path, lambda sink: sink.write(data))

    def write_with(self, path: str, fill: Callable[[pa.NativeFile], object]) -> None:
        """Write a file through `fill`, which is given the open sink, with the promise of `write`.

        Raises:
            LakeError: the disk is full, or fails.
        """
        try:
            self._write_with(path, fill)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise LakeError(
                f"{self.full(path)}: cannot be written: {reason}; nothing of this batch was added. Make room, or name "
                "another lake, and run again"
            ) from error

    def _write_with(self, path: str, fill: Callable[[pa.NativeFile], object]) -> None:
        if not self.is_local:
            with self.filesystem.open_output_stream(self.full(path)) as sink:
                fill(sink)
            return
        final = self.local(path)
        _make_folder(final.parent)
        temporary = final.parent / f".{final.name}.{uuid.uuid4().hex}.tmp"
        try:
            with self.filesystem.open_output_stream(str(temporary)) as sink:
                fill(sink)
            _sync(temporary)
            temporary.rename(final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync(final.parent)

    def sync(self, path: str) -> None:
        """Make a file written by somebody else, and its name, outlive a power cut."""
        if self.is_local:
            _sync(self.local(path))
            _sync(self.local(path).parent)

    def delete(self, path: str) -> None:
        """Delete a file; nothing where there is none."""
        if self.exists(path):
            self.filesystem.delete_file(self.full(path))

    def delete_folder(self, path: str) -> None:
        """Delete a folder with all it holds; nothing where there is none."""
        if self.exists(path):
            self.filesystem.delete_dir(self.full(path))

    def entries(self, path: str) -> list[Entry]:
        """Every file beneath a folder, Delta's log left out; empty where there is no such folder."""
        selector = fs.FileSelector(self.full(path), recursive=True, allow_not_found=True)
        prefix = len(self.root) + 1
        return [
            Entry(info.path[prefix:], info.size, info.mtime.timestamp())
            for info in self.filesystem.get_file_info(selector)
            if info.type == fs.FileType.File and "/_delta_log/" not in info.path
        ]

    def folders(self, path: str) -> list[str]:
        """Names of the folders directly in a folder, sorted; empty where there is no such folder."""
        selector = fs.FileSelector(self.full(path), recursive=False, allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        return sorted(str(info.base_name) for info in found if info.type == fs.FileType.Directory)


#: Where a session is that reads no lake.
NOWHERE: Final = Storage("memory", "", fs.LocalFileSystem(), is_local=False)


def open_storage(uri: str) -> Storage:
    """The place that `uri` names: a path, `file:///path`, or an object store (`s3://bucket/folder`, `gs://...`).

    Raises:
        LakeError: the address cannot be understood or DuckDB could not read files there.
    """
    if _SCHEME.match(uri):
        filesystem, root = _from_uri(uri)
    else:
        filesystem, root = fs.LocalFileSystem(), str(Path(uri).expanduser().absolute())
    root = root.rstrip("/")
    is_local = isinstance(filesystem, fs.LocalFileSystem)
    if _UNUSABLE.search(root):
        raise LakeError(
            f"{uri}: the path of a lake may hold none of `*`, `?`, `[`, `%20` and no folder like `name=value`; "
            "move or rename it"
        )
    return Storage(root if is_local else uri.rstrip("/"), root, filesystem, is_local)


@cache
def _from_uri(uri: str) -> tuple[fs.FileSystem, str]:
    # Cached because finding a bucket's region is a request.
    try:
        filesystem, root = fs.FileSystem.from_uri(uri)
    except (ValueError, OSError, NotImplementedError) as error:
        raise LakeError(
            f"{uri} is no address of a lake ({error}); give a folder, file:///folder or s3://bucket"
        ) from error
    return filesystem, str(root)


def _make_folder(folder: Path) -> None:
    """Create a folder and fsync every parent that gained an entry."""
    missing = [folder, *folder.parents]
    missing = [path for path in missing if not path.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
