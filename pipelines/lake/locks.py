"""Locks between processes that write to one lake: `flock` on files in `_batches`, freed when a process dies.

Object stores have no locks: there Delta's own check of concurrent commits and the batches' application transactions
keep each table right, and one writing process at a time is the rule (`docs/lake.md`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.lake.storage import Storage


@contextlib.contextmanager
def locked(storage: Storage, path: str) -> Iterator[None]:
    """Hold the lock of this name, waiting for whoever has it."""
    if not storage.is_local:
        yield
        return
    handle = _open(storage, path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def take(storage: Storage, path: str) -> int | None:
    """Take a lock if it is free; the handle holds it until `release` or the end of the process. None: not free."""
    handle = _open(storage, path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def release(handle: int | None) -> None:
    """Free a lock that `take` gave."""
    if handle is not None:
        os.close(handle)


def _open(storage: Storage, path: str) -> int:
    file = storage.local(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
