"""Unpacked archives, and inputs that can be read only once, in nameless files that vanish with the process."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from pipelines.inputs.byte_sources import LocalBytes
from pipelines.inputs.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

#: Unpacked inputs kept open: what is planned is read soon after.
_KEPT: Final = 4


def write_spool(name: str, pieces: Iterable[bytes]) -> int:
    """Write to a nameless file; returns its handle.

    Raises:
        InputError: the disk is full, or fails. `name` is the input's.
    """
    with tempfile.TemporaryFile() as file:
        try:
            for piece in pieces:
                file.write(piece)
            file.flush()
        except OSError as error:
            raise InputError(
                f"{name}: cannot be kept in {tempfile.gettempdir()}: {error.strerror}; set TMPDIR to a place with more "
                "room, or unpack it and ingest the files"
            ) from error
        return os.dup(file.fileno())


class Spools:
    """Spooled inputs by key; the least recently used go. For several threads."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._handles: OrderedDict[Hashable, int] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}

    def open(self, key: Hashable, name: str, make: Callable[[], Iterable[bytes]]) -> LocalBytes:
        """The spooled input of that key, made where it is not there; the caller closes what is returned."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            found = self._find(key, name)
            if found is not None:
                return found
            handle = write_spool(name, make())
            with self._lock:
                self._handles[key] = handle
                while len(self._handles) > self._kept:
                    _, oldest = self._handles.popitem(last=False)
                    os.close(oldest)
                self._making.pop(key, None)
                return LocalBytes(name, os.dup(handle))

    def _find(self, key: Hashable, name: str) -> LocalBytes | None:
        with self._lock:
            handle = self._handles.get(key)
            if handle is None:
                return None
            self._handles.move_to_end(key)
            return LocalBytes(name, os.dup(handle))

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            for handle in self._handles.values():
                with contextlib.suppress(OSError):
                    os.close(handle)
            self._handles.clear()


#: Those of this process.
SPOOLS: Final = Spools()
