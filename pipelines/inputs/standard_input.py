"""Standard input as a file: read to its end once, kept in a nameless temporary file."""

from __future__ import annotations

import os
import sys
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from pipelines.inputs.addresses import STANDARD_INPUT_PREFIX
from pipelines.inputs.byte_sources import LocalBytes
from pipelines.inputs.errors import InputError
from pipelines.inputs.found import FoundFile
from pipelines.inputs.spool import write_spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_PIECE_BYTES: Final = 1 << 20
_HELD: Final[dict[str, tuple[FoundFile, int]]] = {}


def take_standard_input(stream: BinaryIO | None = None) -> str:
    """Read all of standard input; returns its name, `stdin:` and a hash of what it holds.

    The name is the same for the same content, so that records of different inputs are never taken for each other's.

    Raises:
        InputError: the disk is full.
    """
    digest = blake2b(digest_size=8)

    def pieces() -> Iterator[bytes]:
        while piece := (stream or sys.stdin.buffer).read(_PIECE_BYTES):
            digest.update(piece)
            yield piece

    handle = write_spool("standard input", pieces())
    name = f"{STANDARD_INPUT_PREFIX}{digest.hexdigest()}"
    if name in _HELD:
        os.close(_HELD[name][1])
    size = os.fstat(handle).st_size
    identity = (-2, int.from_bytes(digest.digest(), "little"))
    _HELD[name] = FoundFile(name, identity, size, time.time_ns() // 1000), handle
    return name


def standard_input_file(name: str) -> FoundFile:
    """What discovery finds under that name. Raises InputError where this process did not read it."""
    return _held(name)[0]


def open_standard_input(name: str) -> LocalBytes:
    """What was read under that name. Raises InputError where this process did not read it."""
    return LocalBytes(name, os.dup(_held(name)[1]))


def _held(name: str) -> tuple[FoundFile, int]:
    if name not in _HELD:
        raise InputError(f"{name}: standard input is read on this machine only; save it to a file that all workers see")
    return _HELD[name]
