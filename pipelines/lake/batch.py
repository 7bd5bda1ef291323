"""One batch under way: what a job holds between its plan and its commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from pipelines.lake import batches, locks
from pipelines.lake.batches import Commit, Counts
from pipelines.lake.errors import LakeError
from pipelines.lake.writer import table_called, write_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    from pipelines.lake.storage import Storage
    from pipelines.lake.writer import DataFile


@dataclass(slots=True)
class Batch:
    """One batch under way, made by `Lake.begin`. `batch_id` is the run's id."""

    storage: Storage
    decide: Callable[[Commit], None]
    on_step: Callable[[str], None]
    batch_id: str
    kind: str
    started_at: datetime
    parameters: str
    owner: int | None
    is_decided: bool = False

    def part_name(self, unit: str | int) -> str:
        """The name of the file that a work unit writes, the same whenever it is run: for `write_part`."""
        return f"{self.batch_id}-{unit}"

    def commit(
        self,
        files: Mapping[str, Sequence[DataFile]] | None = None,
        counts: Counts | None = None,
        tables: Mapping[str, pa.Table] | None = None,
        remove: Mapping[str, Sequence[DataFile]] | None = None,
    ) -> str:
        """Make the batch part of the lake, all of it or nothing, and return the run's id.

        Args:
            files: by table, what workers wrote with `write_part`.
            counts: what was read.
            tables: by table, rows to write here (`sources`, small results); `run_id` may be left out.
            remove: by table, files whose rows `files` hold again (compaction).

        Raises:
            LakeError: `read` is not `accepted + rejected`, or a file is not there. Nothing has been added then.
        """
        counts = counts or Counts()
        if counts.read != counts.accepted + counts.rejected:
            raise LakeError(
                f"run {self.batch_id}: {counts.read} records read, but {counts.accepted} accepted and "
                f"{counts.rejected} rejected; nothing was added. Please report this"
            )
        add = {table_called(name).name: list(found) for name, found in (files or {}).items()}
        for name, rows in (tables or {}).items():
            part = write_part(self.storage.uri, name, self.part_name("driver"), self._with_run_id(name, rows))
            add.setdefault(name, []).extend(part)
        self.on_step("parts written")
        commit = Commit(
            batch_id=self.batch_id,
            kind=self.kind,
            started_at=self.started_at,
            finished_at=batches.now(),
            counts=counts,
            parameters=self.parameters,
            add={name: tuple(found) for name, found in add.items() if found},
            remove={name: tuple(found) for name, found in (remove or {}).items() if found},
        )
        # Should this fail half way, recovery goes by whether commit.json was written.
        self.is_decided = True
        self.decide(commit)
        self._release()
        return self.batch_id

    def discard(self) -> None:
        """Give the batch up; what its workers wrote is cleared by maintenance."""
        batches.remove(self.storage, self.batch_id)
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.is_decided:
            self.discard()
        self._release()

    def _release(self) -> None:
        locks.release(self.owner)
        self.owner = None

    def _with_run_id(self, name: str, rows: pa.Table) -> pa.Table:
        if "run_id" not in table_called(name).columns or "run_id" in rows.column_names:
            return rows
        return rows.append_column("run_id", pa.array([self.batch_id] * rows.num_rows, pa.string()))
