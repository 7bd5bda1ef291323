"""What readers see: every table at the version that the latest finished run names.

Delta is atomic for one table. A batch commits several, `runs` last, and `runs` names the versions of all: a reader that
opens the versions of one run sees whole batches only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.lake.errors import LakeError, NoLakeError
from pipelines.lake.tables import data_files, open_table
from pipelines.schemas import RUNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deltalake import DeltaTable

    from pipelines.lake.storage import Storage
    from pipelines.lake.writer import DataFile

#: Keys of the metadata of a commit to `runs`, which spare readers reading the table itself.
RUN_KEY: Final = "meshlens.runId"
VERSIONS_KEY: Final = "meshlens.tableVersions"

# Commits to `runs` that are no run (a migration, a compaction) lie between; there are never many in a row.
_HISTORY: Final = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state that one run left. `run_id` is null, and all tables are empty, before the first run."""

    storage: Storage
    run_id: str | None
    table_versions: Mapping[str, int]
    _files: dict[str, tuple[DataFile, ...]] = field(default_factory=dict, repr=False, compare=False)

    def files(self, table: str) -> tuple[DataFile, ...]:
        """The files of a table, sorted by path."""
        if table not in self._files:
            version = self.table_versions.get(table)
            delta = None if version is None else open_table(self.storage, table, version)
            self._files[table] = () if delta is None else data_files(delta)
        return self._files[table]

    def with_files(self, added: Mapping[str, Sequence[DataFile]]) -> Snapshot:
        """This state and files that no run has committed yet."""
        files = {table: (*self.files(table), *more) for table, more in added.items()}
        return replace(self, _files={**self._files, **files})


def read_snapshot(storage: Storage, run_id: str | None = None) -> Snapshot:
    """The state after a run (default: the latest).

    Raises:
        NoLakeError: there is no lake.
        LakeError: there is no such run.
    """
    runs = open_table(storage, RUNS.name)
    if runs is None:
        raise NoLakeError(
            f"{storage.uri}: there is no lake here; make one with `meshlens ingest PATH --lake {storage.uri}`"
        )
    return snapshot_of(storage, runs, run_id)


def snapshot_of(storage: Storage, runs: DeltaTable, run_id: str | None = None) -> Snapshot:
    """`read_snapshot` for an open `runs` table."""
    furthest = _HISTORY if run_id is None else runs.version() + 1
    for version, found, versions in _logged(storage, runs, furthest):
        if run_id in {None, found}:
            at = version if run_id else runs.version()
            return Snapshot(storage, found, MappingProxyType({**versions, RUNS.name: at}))
    rows = _rows(storage, runs)
    if run_id is None and not rows:
        return Snapshot(storage, None, MappingProxyType({RUNS.name: runs.version()}))
    for found, versions in rows:
        if run_id in {None, found}:
            return Snapshot(storage, found, MappingProxyType({**versions, RUNS.name: runs.version()}))
    raise LakeError(f"{storage.uri}: there is no run {run_id}; `meshlens sql -c 'SELECT run_id FROM runs'` lists them")


def _logged(storage: Storage, runs: DeltaTable, furthest: int) -> Iterator[tuple[int, str, dict[str, int]]]:
    """Version, run id and table versions of the commits up to the opened version, the newest first.

    The log's files are read one by one because `DeltaTable.history` numbers commits from the newest there is, which
    under a busy writer is beyond the version that was opened.
    """
    for version in range(runs.version(), max(runs.version() - furthest, -1), -1):
        path = f"{RUNS.name}/_delta_log/{version:020d}.json"
        try:
            actions = [json.loads(line) for line in storage.read(path).splitlines()]
        except FileNotFoundError:
            return  # maintenance dropped it
        for action in actions:
            commit = action.get("commitInfo", {})
            if RUN_KEY in commit:
                yield version, commit[RUN_KEY], json.loads(commit[VERSIONS_KEY])


def _rows(storage: Storage, runs: DeltaTable) -> list[tuple[str, dict[str, int]]]:
    """Run ids and table versions from the table itself, the newest first: `runs` lost its recent history."""
    tables = []
    for file in data_files(runs):
        with storage.filesystem.open_input_file(storage.full(f"{RUNS.name}/{file.path}")) as source:
            tables.append(pq.read_table(source, columns=["run_id", "finished_at", "table_versions"]))
    if not tables:
        return []
    rows = pa.concat_tables(tables).sort_by([("finished_at", "descending")]).to_pylist()
    return [(row["run_id"], dict(row["table_versions"])) for row in rows]
