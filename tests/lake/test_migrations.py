"""Lakes of other schema versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from pipelines.lake.errors import LakeError, NewerLakeError
from pipelines.lake.lake import Lake
from pipelines.lake.maintenance import maintain
from pipelines.lake.migrations import MIGRATIONS, migrate
from pipelines.lake.session import open_session, session_over
from pipelines.lake.snapshot import Snapshot
from pipelines.lake.storage import open_storage
from pipelines.lake.tables import VERSION_KEY, schema_version
from pipelines.lake.writer import write_part
from pipelines.schemas import ACCESS_LOGS, VERSION
from tests.lake.rows import access_logs

if TYPE_CHECKING:
    from pathlib import Path

OLD_COLUMNS = ["source", "source_offset", "format", "start_time", "duration_ms", "date"]


def old_table(folder: Path, rows: int, *, without: tuple[str, ...] = ()) -> None:
    """An `access_logs` table as a first version might have written it: fewer columns, no version, other file names."""
    data = access_logs(rows).append_column("date", pa.array([None] * rows, pa.date32()))
    data = data.set_column(data.column_names.index("date"), "date", data.column("start_time").cast(pa.date32()))
    columns = [name for name in OLD_COLUMNS if name not in without]
    write_deltalake(str(folder / "access_logs"), data.select(columns), partition_by=["date"])


def pin(lake: Lake) -> None:
    """A run that names the present versions, as the old program's own runs would."""
    lake.append("ingest", {})


def test_every_version_has_its_migration() -> None:
    assert [migration.version for migration in MIGRATIONS] == list(range(1, VERSION + 1))


def test_an_old_table_gains_its_columns_and_keeps_its_rows(tmp_path: Path) -> None:
    old_table(tmp_path, 3)
    lake = Lake.open(str(tmp_path), create=True)
    pin(lake)
    delta = DeltaTable(str(tmp_path / "access_logs"))
    assert schema_version(delta) == VERSION
    assert {field.name for field in delta.schema().fields} == set(ACCESS_LOGS.columns)
    with lake.begin("ingest", {}) as batch:
        rows = access_logs(2, first=3)
        batch.commit({"access_logs": write_part(lake.uri, "access_logs", batch.part_name(0), rows)})
    with open_session(lake.uri) as session:
        read = session.query("access_logs").sort_by("source_offset")
        assert [field.type for field in read.schema] == [field.type for field in ACCESS_LOGS.schema]
    assert read.column("source_offset").to_pylist() == [0, 1, 2, 3, 4]
    assert read.column("method").to_pylist() == [None, None, None, "GET", "GET"]
    assert read.column("date").null_count == 0


def test_an_old_lake_is_read_before_anybody_migrates_it(tmp_path: Path) -> None:
    old_table(tmp_path, 3)
    with session_over(Snapshot(open_storage(str(tmp_path)), "old", {"access_logs": 0})) as session:
        read = session.query("access_logs")
    assert read.column_names == list(ACCESS_LOGS.columns)
    assert (read.num_rows, read.column("method").null_count, read.column("date").null_count) == (3, 3, 0)
    assert schema_version(DeltaTable(str(tmp_path / "access_logs"))) == 0


def test_files_of_old_versions_are_joined_with_new_ones(tmp_path: Path) -> None:
    old_table(tmp_path, 3)
    lake = Lake.open(str(tmp_path), create=True)
    with lake.begin("ingest", {}) as batch:
        rows = access_logs(2, first=3)
        batch.commit({"access_logs": write_part(lake.uri, "access_logs", batch.part_name(0), rows)})
    maintain(lake.uri)
    (file,) = lake.snapshot().files("access_logs")
    assert pq.read_schema(tmp_path / "access_logs" / file.path).names == [*ACCESS_LOGS.columns[:-1]]
    with open_session(lake.uri) as session:
        assert session.query("access_logs").num_rows == 5


def test_migrating_twice_does_nothing_more(tmp_path: Path) -> None:
    old_table(tmp_path, 1)
    Lake.open(str(tmp_path), create=True)
    delta = DeltaTable(str(tmp_path / "access_logs"))
    before = delta.version()
    assert migrate(delta, ACCESS_LOGS) == ()
    assert DeltaTable(str(tmp_path / "access_logs")).version() == before


def test_a_migration_that_died_half_way_is_finished(tmp_path: Path) -> None:
    old_table(tmp_path, 1)
    delta = DeltaTable(str(tmp_path / "access_logs"))
    MIGRATIONS[0].apply(delta, ACCESS_LOGS)  # the columns are there, the version is not yet
    lake = Lake.open(str(tmp_path), create=True)
    assert schema_version(lake.tables["access_logs"]) == VERSION


def test_a_table_that_lacks_what_may_not_be_null(tmp_path: Path) -> None:
    old_table(tmp_path, 1, without=("format",))
    with pytest.raises(LakeError, match="no migration can add format"):
        Lake.open(str(tmp_path), create=True)


def test_a_newer_lake_is_refused(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path), create=True)
    lake.append("diagnose", {})
    lake.tables["spans"].alter.set_table_properties({VERSION_KEY: str(VERSION + 1)}, raise_if_not_exists=False)
    expected = rf"spans has schema version {VERSION + 1}.*upgrade Meshlens"
    with pytest.raises(NewerLakeError, match=expected):
        Lake.open(str(tmp_path))
    lake.tables["runs"].alter.set_table_properties({VERSION_KEY: str(VERSION + 1)}, raise_if_not_exists=False)
    with pytest.raises(NewerLakeError, match="runs has schema version"):
        open_session(str(tmp_path))
