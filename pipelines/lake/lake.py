"""A lake open for writing: batches that commit exactly once, recovery of those that died, where each input stands."""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipelines.lake import batches, locks
from pipelines.lake.batch import Batch
from pipelines.lake.errors import NoLakeError
from pipelines.lake.migrations import migrate
from pipelines.lake.snapshot import Snapshot, read_snapshot
from pipelines.lake.storage import Storage, open_storage
from pipelines.lake.tables import create_table, open_table
from pipelines.lake.transactions import apply_commit
from pipelines.schemas import RUNS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pyarrow as pa
    from deltalake import DeltaTable

    from pipelines.lake.batches import Commit


@dataclass(frozen=True, slots=True)
class Recovered:
    """Batches that dead processes left: finished (they were decided) and discarded (they were not)."""

    finished: tuple[str, ...] = ()
    discarded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lake:
    """A lake open for writing, by one thread. `on_step` is told the name of every step of a commit as it is done."""

    uri: str
    storage: Storage
    on_step: Callable[[str], None]
    tables: dict[str, DeltaTable] = field(default_factory=dict)
    recovered: Recovered = Recovered()

    @staticmethod
    def open(uri: str, *, create: bool = False, on_step: Callable[[str], None] | None = None) -> Lake:
        """Open a lake for writing: migrate tables of older versions, finish or discard what dead processes left.

        Args:
            uri: a folder, `file:///folder` or an object-store address.
            create: make the lake where there is none.
            on_step: called after each step of the protocol, for progress and for tests that kill the process there.

        Raises:
            NoLakeError: there is none and `create` was not given.
            NewerLakeError: a newer Meshlens wrote it.
        """
        storage = open_storage(uri)
        if not create and open_table(storage, RUNS.name) is None:
            raise NoLakeError(f"{uri}: there is no lake here; make one with `meshlens ingest PATH --lake {uri}`")
        lake = Lake(uri, storage, on_step or (lambda _: None))
        with lake._commit_lock():
            for table in TABLES:
                delta = open_table(storage, table.name)
                if delta is None:
                    create_table(storage, table)
                    delta = open_table(storage, table.name)
                if delta is not None:
                    lake.tables[table.name] = delta
                    migrate(delta, table)
            return replace(lake, recovered=lake._recover())

    def snapshot(self, run_id: str | None = None) -> Snapshot:
        """What readers see now, or saw after a run."""
        return read_snapshot(self.storage, run_id)

    def source_positions(self) -> pa.Table:
        """How far inputs were read: `sources` rows, of each (source, head_hash, head_length) the furthest one."""
        from pipelines.lake.session import open_session

        with open_session(self.uri) as session:
            return session.query("source_positions")

    def objects_with_log_formats(self) -> list[str]:
        """The newest version, as JSON, of every object that sets the format of an access log."""
        from pipelines.lake.session import open_session

        with open_session(self.uri) as session:
            found: list[str] = session.query("log_layouts")["object_json"].to_pylist()
            return found

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold off other ingesting processes: from reading `source_positions` until the batch is committed."""
        with locks.locked(self.storage, batches.INGEST_LOCK):
            yield

    def begin(self, kind: str, plan: Mapping[str, object], parameters: Mapping[str, object] | None = None) -> Batch:
        """Start a batch by writing its plan down. Use the batch in a `with` statement: leaving it early discards it.

        Args:
            kind: the run's kind (`pipelines/schemas.py`, RUNS).
            plan: what will be done, JSON; kept until the batch is committed.
            parameters: what the run was told, without secrets; kept in `runs`.
        """
        started = batches.now()
        batch_id = f"{started:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}"
        text = json.dumps(dict(parameters or {}), default=str)
        with self._commit_lock():
            owner = batches.write_plan(self.storage, batch_id, {"kind": kind, "parameters": text, **plan})
        self.on_step("planned")
        return Batch(self.storage, self._decide, self.on_step, batch_id, kind, started, text, owner)

    def append(self, kind: str, tables: Mapping[str, pa.Table], parameters: Mapping[str, object] | None = None) -> str:
        """Add small results (findings, alerts, ...) as one run and return its id.

        A `run_id` column may be left out: it is filled in.
        """
        with self.begin(kind, {"tables": sorted(tables)}, parameters) as batch:
            return batch.commit(tables=tables)

    def recover(self) -> Recovered:
        """Finish or discard what dead processes left; `open` does so too."""
        with self._commit_lock():
            return self._recover()

    @contextlib.contextmanager
    def settled(self) -> Iterator[None]:
        """Hold off commits, with none half done."""
        with self._commit_lock():
            self._recover()
            yield

    def _commit_lock(self) -> contextlib.AbstractContextManager[None]:
        return locks.locked(self.storage, batches.COMMIT_LOCK)

    def _recover(self) -> Recovered:
        finished: list[str] = []
        discarded: list[str] = []
        for batch_id in batches.batch_ids(self.storage):
            commit = batches.read_commit(self.storage, batch_id)
            if commit is not None:
                # Whoever decides a batch holds the commit lock until it is done: we hold it, so it died.
                apply_commit(self.storage, self.tables, commit, self.on_step)
                finished.append(batch_id)
            elif not batches.is_alive(self.storage, batch_id):
                batches.remove(self.storage, batch_id)
                discarded.append(batch_id)
        return Recovered(tuple(finished), tuple(discarded))

    def _decide(self, commit: Commit) -> None:
        with self.settled():
            batches.write_commit(self.storage, commit)
            self.on_step("commit written")
            apply_commit(self.storage, self.tables, commit, self.on_step)
