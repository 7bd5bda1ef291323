"""From what the user names (files, folders, patterns, addresses) to the files there are, in a fixed order."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.inputs.addresses import STANDARD_INPUT_PREFIX, is_remote
from pipelines.inputs.errors import InputError
from pipelines.inputs.found import FoundFile, Skipped
from pipelines.inputs.remote import find_remote
from pipelines.inputs.standard_input import standard_input_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAGIC = frozenset("*?[")


@dataclass(slots=True)
class Discovery:
    """What was found: files to look into, and names that are skipped with their reasons."""

    files: list[FoundFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def discover(paths: Iterable[str], excluded: Iterable[str] = (), *, must_exist: bool = True) -> Discovery:
    """Find the files that `paths` name: folders with all beneath them in sorted order, patterns sorted likewise.

    Hidden files and folders, links to folders met on the way, and anything that is no regular file are listed as
    skipped, and so are a file reached a second time (by a link or another name) and the `excluded` folder of the lake.

    Raises:
        InputError: a path does not exist, or a pattern matches nothing, unless `must_exist` is false.
    """
    found = Discovery()
    seen: dict[tuple[int, int], str] = {}
    left_out = {os.path.realpath(folder) for folder in excluded}
    for named in paths:
        if named.startswith(STANDARD_INPUT_PREFIX):
            _take([standard_input_file(named)], seen, found)
            continue
        if is_remote(named):
            files, skipped = find_remote(named, must_exist=must_exist)
            found.skipped += skipped
            _take(files, seen, found)
            continue
        for path in _named(named, must_exist=must_exist):
            for candidate in _walk(path, left_out, found.skipped):
                _add(candidate, seen, found)
    return found


def _named(named: str, *, must_exist: bool) -> list[str]:
    path = os.path.abspath(os.path.expanduser(named))  # noqa: PTH100, PTH111 - pathlib's absolute() keeps `..`
    if os.path.lexists(path):
        return [path]
    if _MAGIC & set(named):
        matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - a pattern may be absolute
        if matches or not must_exist:
            return matches
        raise InputError(f"{named}: no file matches this pattern; check it with `ls`")
    if not must_exist:
        return []
    raise InputError(f"{named}: no such file or folder; check the path")


def _walk(path: str, left_out: set[str], skipped: list[Skipped]) -> Iterator[str]:
    """The file at `path`, or all files beneath the folder, sorted; the user's own `path` may be hidden or a link."""
    if not Path(path).is_dir():
        yield path
        return

    def unreadable(error: OSError) -> None:
        skipped.append(Skipped(str(error.filename), f"cannot be listed: {error.strerror}"))

    for folder, folders, names in os.walk(path, onerror=unreadable):
        kept: list[str] = []
        for name in sorted(folders):
            full = os.path.join(folder, name)  # noqa: PTH118 - os.walk's own pair, many thousands of times
            if os.path.realpath(full) in left_out:
                skipped.append(Skipped(full, "the lake itself"))
            elif name.startswith("."):
                skipped.append(Skipped(full, "hidden; name it to read it"))
            elif Path(full).is_symlink():
                skipped.append(Skipped(full, "a link to a folder; name it to follow it"))
            else:
                kept.append(name)
        folders[:] = kept
        for name in sorted(names):
            full = os.path.join(folder, name)  # noqa: PTH118 - as above
            if name.startswith("."):
                skipped.append(Skipped(full, "hidden; name it to read it"))
            else:
                yield full


def _add(path: str, seen: dict[tuple[int, int], str], found: Discovery) -> None:
    try:
        status = os.stat(path)  # noqa: PTH116 - many thousands of times
    except OSError as error:
        found.skipped.append(Skipped(path, f"cannot be read: {error.strerror}"))
        return
    identity = (status.st_dev, status.st_ino)
    if not _is_text(path):
        shown = path.encode("utf-8", "backslashreplace").decode()
        found.skipped.append(Skipped(shown, "its name is not UTF-8; rename it"))
    elif not os.path.isfile(path):  # noqa: PTH113 - as above
        found.skipped.append(Skipped(path, "not a regular file"))
    elif identity in seen:
        if seen[identity] != path:
            found.skipped.append(Skipped(path, f"the same file as {seen[identity]}"))
    else:
        seen[identity] = path
        found.files.append(FoundFile(path, identity, status.st_size, status.st_mtime_ns // 1000))


def _take(files: Iterable[FoundFile], seen: dict[tuple[int, int], str], found: Discovery) -> None:
    """Files that are no paths of this machine, each once."""
    for file in files:
        if file.identity not in seen:
            seen[file.identity] = file.path
            found.files.append(file)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
