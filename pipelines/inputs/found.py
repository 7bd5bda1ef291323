"""What discovery finds: files to look into, and names that are skipped."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pipelines.inputs.addresses import is_complete


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file: its absolute path or address, what tells it from others, its size and time of last change.

    Of a member of an archive, `archive` is what it is in, as in `Range.compression`: `gzip/tar/`.
    """

    path: str
    identity: tuple[int, int]
    size: int
    modified_us: int
    archive: str = ""

    @property
    def target(self) -> str:
        """The path with symbolic links followed."""
        return self.path if is_complete(self.path) else os.path.realpath(self.path)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An input that is not read, and why."""

    path: str
    reason: str
