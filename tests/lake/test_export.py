"""The lake as one DuckDB file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.lake.errors import LakeError
from pipelines.lake.export import export_duckdb
from pipelines.lake.lake import Lake
from pipelines.lake.writer import write_part
from pipelines.schemas import TABLES
from pipelines.sql_files import all_views
from tests.lake.rows import access_logs, spans

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake.open(str(tmp_path / "lake"), create=True)
    with lake.begin("ingest", {}) as batch:
        parts = {"access_logs": access_logs(7), "spans": spans(2)}
        batch.commit({name: write_part(lake.uri, name, batch.part_name(0), rows) for name, rows in parts.items()})
    return lake


def test_plain_duckdb_reads_every_table_and_view_without_the_lake(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "mesh's export.duckdb"
    told: dict[str, int] = {}
    rows = export_duckdb(lake.uri, path, on_table=told.__setitem__)
    assert told == rows
    (tmp_path / "lake").rename(tmp_path / "elsewhere")
    with duckdb.connect(str(path), read_only=True) as plain:
        names = {name for (name,) in plain.sql("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert names == {table.name for table in TABLES} | set(all_views())
        for name in sorted(names):
            assert plain.sql(f'SELECT count(*) FROM "{name}"').fetchall() == [(rows[name],)]
        assert (rows["access_logs"], rows["spans"], rows["runs"]) == (7, 2, 1)
        found = plain.sql("SELECT sum(duration_ms), min(date)::VARCHAR FROM access_logs").fetchall()
        assert found == [(21, "2024-05-01")]
        assert plain.sql("SELECT attributes['zone'] FROM spans LIMIT 1").fetchall() == [("a",)]
        assert plain.sql("SELECT comment FROM duckdb_tables() WHERE table_name = 'calls'").fetchall() != [(None,)]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["elsewhere", path.name]


def test_a_file_that_exists_is_left_alone_unless_told(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "out.duckdb"
    path.write_text("mine")
    with pytest.raises(LakeError, match=r"out\.duckdb exists"):
        export_duckdb(lake.uri, path)
    assert path.read_text() == "mine"
    assert export_duckdb(lake.uri, path, overwrite=True)["access_logs"] == 7


def test_a_folder_that_is_not_there(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="nowhere"):
        export_duckdb(lake.uri, tmp_path / "nowhere" / "out.duckdb")
    assert not (tmp_path / "nowhere").exists()
