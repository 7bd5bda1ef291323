"""Applying a decided batch to the tables: idempotent, so that recovery is the same as the first time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.lake import batches
from pipelines.lake.snapshot import RUN_KEY, VERSIONS_KEY
from pipelines.lake.tables import application_id, commit_once, is_committed
from pipelines.lake.writer import write_part
from pipelines.schemas import RUNS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deltalake import DeltaTable

    from pipelines.lake.batches import Commit
    from pipelines.lake.storage import Storage


def apply_commit(
    storage: Storage, tables: Mapping[str, DeltaTable], commit: Commit, on_step: Callable[[str], None]
) -> None:
    """Commit what is not committed yet, table by table, `runs` last, and remove the batch. Hold the commit lock."""
    touched = [table for table in TABLES if commit.add.get(table.name) or commit.remove.get(table.name)]
    for table in touched:
        # `runs` gets a row of its own below, and so a transaction of its own.
        application = application_id(commit.batch_id) + ("/files" if table is RUNS else "")
        add, remove = commit.add.get(table.name, ()), commit.remove.get(table.name, ())
        commit_once(tables[table.name], table, application, add, remove)
        on_step(f"committed {table.name}")
    _commit_run(storage, tables, commit, on_step)
    # Delta does not fsync its log; only once it is on the disk may the batch's own record go.
    for table in (*touched, RUNS):
        storage.sync(f"{table.name}/_delta_log/{tables[table.name].version():020d}.json")
    batches.remove(storage, commit.batch_id)
    on_step("removed")


def _commit_run(
    storage: Storage, tables: Mapping[str, DeltaTable], commit: Commit, on_step: Callable[[str], None]
) -> None:
    runs = tables[RUNS.name]
    runs.update_incremental()
    application = application_id(commit.batch_id)
    if is_committed(runs, application):
        return
    versions: dict[str, int] = {}
    for table in TABLES[:-1]:
        tables[table.name].update_incremental()
        versions[table.name] = tables[table.name].version()
    row = {
        "run_id": commit.batch_id,
        "kind": commit.kind,
        "started_at": commit.started_at,
        "finished_at": commit.finished_at,
        "read": commit.counts.read,
        "accepted": commit.counts.accepted,
        "rejected": commit.counts.rejected,
        "bytes": commit.counts.bytes,
        "other_lines": commit.counts.others,
        "rows": _added(commit),
        "table_versions": sorted(versions.items()),
        "parameters": commit.parameters,
    }
    part = write_part(storage.uri, RUNS.name, f"{commit.batch_id}-run", pa.Table.from_pylist([row], RUNS.schema))
    on_step("run written")
    metadata = {RUN_KEY: commit.batch_id, VERSIONS_KEY: json.dumps(versions)}
    commit_once(runs, RUNS, application, part, metadata=metadata)
    on_step("committed runs")


def _added(commit: Commit) -> list[tuple[str, int]]:
    """Rows added by table; a table whose files were replaced gained none."""
    return [
        (name, sum(file.rows for file in files) - sum(file.rows for file in commit.remove.get(name, ())))
        for name, files in sorted(commit.add.items())
    ]
