"""Opening an input by its name and the containers that it is in.

A container is written as in `Range.compression`: `none`, `gzip`, ..., or, of a member of an archive, what is around the
archive, the archive and what is around the member: `gzip/tar/none` for `logs.tar.gz!cart.log`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipelines.inputs.addresses import STANDARD_INPUT_PREFIX, is_remote
from pipelines.inputs.archives import open_member
from pipelines.inputs.byte_sources import LocalBytes
from pipelines.inputs.compression import PLAIN, stream_of
from pipelines.inputs.errors import ChangedError
from pipelines.inputs.remote import is_remote_file, open_remote
from pipelines.inputs.standard_input import open_standard_input

if TYPE_CHECKING:
    from pipelines.inputs.byte_sources import ByteSource
    from pipelines.inputs.compression import Limits, Stream

MEMBER_MARK = "!"


def open_stream(path: str, container: str, limits: Limits | None = None) -> Stream:
    """Open an input for reading from its start.

    Raises:
        ChangedError: it is gone.
        InputError: it cannot be opened.
    """
    around, _, rest = container.partition("/")
    if not rest:
        return stream_of(path, open_bytes(path), around, limits)
    kind, _, within = rest.partition("/")
    archive, member = split_member(path)
    source = open_member(open_bytes(archive), (archive, around, kind), member, limits)
    return stream_of(path, source, within, limits)


def open_bytes(path: str) -> ByteSource:
    """Open what is at a path, as it is."""
    if path.startswith(STANDARD_INPUT_PREFIX):
        return open_standard_input(path)
    return open_remote(path) if is_remote(path) else LocalBytes.open(path)


def split_member(path: str) -> tuple[str, str]:
    """The archive and the member's name. Raises ChangedError where there is no archive."""
    at = path.find(MEMBER_MARK)
    while at >= 0:
        if _is_file(path[:at]):
            return path[:at], path[at + 1 :]
        at = path.find(MEMBER_MARK, at + 1)
    raise ChangedError(f"{path}: the archive is gone; run again without it")


def _is_file(path: str) -> bool:
    if path.startswith(STANDARD_INPUT_PREFIX):
        return True
    return is_remote_file(path) if is_remote(path) else os.path.isfile(path)  # noqa: PTH113 - a name, not a path


def is_plain(container: str) -> bool:
    """Whether positions in the input are positions in the file, so that reading may begin anywhere."""
    return container.rpartition("/")[2] == PLAIN
