"""Keeping a lake small and fast: join small files, delete what nothing refers to any more, shorten Delta's logs.

Readers and writers go on meanwhile. Files that were replaced are kept for `retention`, for readers who opened the lake
before; files that no version refers to (a batch died before it was decided) for `orphan_grace`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from pipelines.lake import batches, locks
from pipelines.lake.compaction import TARGET_BYTES, groups_to_join, join_files
from pipelines.lake.lake import Lake
from pipelines.lake.tables import data_files
from pipelines.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from deltalake import DeltaTable

    from pipelines.columns import Table

RETENTION: Final = timedelta(days=7)
ORPHAN_GRACE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TableMaintained:
    """What maintenance did to a table: files joined and what they became, files and bytes deleted."""

    table: str
    files_joined: int = 0
    files_written: int = 0
    replaced_deleted: int = 0
    orphans_deleted: int = 0
    bytes_deleted: int = 0


@dataclass(frozen=True, slots=True)
class Maintained:
    """What maintenance did. `finished` and `discarded` are batches that dead processes had left."""

    tables: tuple[TableMaintained, ...]
    finished: tuple[str, ...] = ()
    discarded: tuple[str, ...] = ()


def maintain(
    lake_uri: str,
    *,
    target_bytes: int = TARGET_BYTES,
    retention: timedelta = RETENTION,
    orphan_grace: timedelta = ORPHAN_GRACE,
    on_step: Callable[[str], None] | None = None,
) -> Maintained:
    """Do all of it. A second maintenance of the same lake waits for the first.

    Raises:
        NoLakeError: there is no lake at `lake_uri`.
        LakeError: a file does not hold the rows that the log says; nothing is lost.
    """
    lake = Lake.open(lake_uri, on_step=on_step)
    with locks.locked(lake.storage, batches.MAINTENANCE_LOCK):
        joined = {table.name: compact(lake, table, target_bytes) for table in TABLES}
        deleted = tuple(_clear(lake, table, joined[table.name], retention, orphan_grace) for table in TABLES)
        _shorten_logs(lake)
    return Maintained(deleted, lake.recovered.finished, lake.recovered.discarded)


def compact_gradually(lake: Lake) -> int:
    """Join small files where enough have gathered, cheaply enough to be called every minute by a stream.

    Returns the number of files that went away. Nothing is deleted: `maintain` does that.
    """
    gone = 0
    with locks.locked(lake.storage, batches.MAINTENANCE_LOCK):
        for table in TABLES:
            joined, written = compact(lake, table, TARGET_BYTES, gradual=True)
            gone += joined - written
    return gone


def compact(lake: Lake, table: Table, target_bytes: int, *, gradual: bool = False) -> tuple[int, int]:
    """Join the small files of a table in one run of kind `maintain`; returns how many files became how many."""
    files = lake.snapshot().files(table.name)
    groups = groups_to_join(files, target_bytes, gradual=gradual)
    if not groups:
        return 0, 0
    plan = {"table": table.name, "replace": [[file.path for file in group] for group in groups]}
    with lake.begin("maintain", plan, {"table": table.name}) as batch:
        written = [
            join_files(lake.storage, table, batch.part_name(f"joined-{number}"), group)
            for number, group in enumerate(groups)
        ]
        replaced = [file for group in groups for file in group]
        batch.commit(files={table.name: written}, remove={table.name: replaced})
    return len(replaced), len(written)


def _clear(
    lake: Lake, table: Table, joined: tuple[int, int], retention: timedelta, orphan_grace: timedelta
) -> TableMaintained:
    # The order matters: a file listed first whose batch is over by the second step is in the table by the third.
    entries = {entry.path.partition("/")[2]: entry for entry in lake.storage.entries(table.name)}
    alive = tuple(batches.batch_ids(lake.storage))
    delta = lake.tables[table.name]
    delta.update_incremental()
    active = {file.path for file in data_files(delta)}
    expired = _replaced(delta, retention) - active
    replaced = _replaced(delta, timedelta(0))
    newest = time.time() - orphan_grace.total_seconds()
    orphans = {
        path
        for path, entry in entries.items()
        if path not in active
        and path not in replaced
        and entry.modified < newest
        and not path.rpartition("/")[2].lstrip(".").startswith(alive)
    }
    gone = [path for path in sorted(expired | orphans) if path in entries]
    for path in gone:
        lake.storage.delete(f"{table.name}/{path}")
    return TableMaintained(
        table=table.name,
        files_joined=joined[0],
        files_written=joined[1],
        replaced_deleted=sum(path in expired for path in gone),
        orphans_deleted=sum(path in orphans for path in gone),
        bytes_deleted=sum(entries[path].size for path in gone),
    )


def _replaced(delta: DeltaTable, retention: timedelta) -> set[str]:
    """Files that the table gave up longer than `retention` ago."""
    hours = math.ceil(retention / timedelta(hours=1))
    return set(map(unquote, delta.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False)))


def _shorten_logs(lake: Lake) -> None:
    """Write checkpoints and drop the log entries before them that are older than the table's log retention."""
    latest = lake.snapshot().table_versions
    if any(delta.version() != latest.get(name) for name, delta in lake.tables.items()):
        # Readers open the versions that the latest run names: they must not be dropped, so a run names the newest.
        lake.append("maintain", {}, {"reason": "table versions moved without a run"})
    with lake.settled():
        for name, delta in lake.tables.items():
            delta.update_incremental()
            checkpoint = f"{name}/_delta_log/{delta.version():020d}.checkpoint.parquet"
            if delta.version() and not lake.storage.exists(checkpoint):
                delta.create_checkpoint()
            delta.cleanup_metadata()
