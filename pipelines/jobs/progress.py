"""How far a running job is, from the lines its workers append to a file."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Bytes of input read, of how many; records read and rejected; seconds since the start."""

    bytes: int
    total_bytes: int
    read: int
    rejected: int
    seconds: float

    @property
    def remaining_seconds(self) -> float | None:
        """How long it will go on at this pace; None where nothing can be said yet."""
        if not self.bytes:
            return None
        return max(0, self.total_bytes - self.bytes) * self.seconds / self.bytes


@contextlib.contextmanager
def watched(total_bytes: int, tell: Callable[[JobProgress], None] | None) -> Iterator[str | None]:
    """Give the path of a file for workers' progress and `tell` of it, from a thread, until the block is left."""
    if tell is None:
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="meshlens-progress-") as file:
        done = threading.Event()
        started = time.monotonic()
        counter = _Counter(Path(file.name), total_bytes, started)

        def poll() -> None:
            while not done.wait(_POLL_SECONDS):
                tell(counter.count())

        thread = threading.Thread(target=poll, name="progress", daemon=True)
        thread.start()
        try:
            yield file.name
        finally:
            done.set()
            thread.join()
            tell(counter.count())


class _Counter:
    """Adds up what was appended since the last look."""

    def __init__(self, path: Path, total_bytes: int, started: float) -> None:
        self._path = path
        self._total_bytes = total_bytes
        self._started = started
        self._position = 0
        self._sums = [0, 0, 0]

    def count(self) -> JobProgress:
        with self._path.open("rb") as file:
            file.seek(self._position)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._position += len(whole)
        for line in whole.splitlines():
            for index, value in enumerate(line.split()):
                self._sums[index] += int(value)
        seconds = time.monotonic() - self._started
        return JobProgress(self._sums[0], self._total_bytes, self._sums[1], self._sums[2], seconds)
