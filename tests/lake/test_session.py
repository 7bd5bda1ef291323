"""Reading a lake through DuckDB."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from pipelines.lake.errors import LakeError
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session, session_over
from pipelines.lake.writer import write_part
from pipelines.schemas import ACCESS_LOGS, SPANS, VERSION
from pipelines.sql_files import SqlFileError, sql_files
from tests.lake.rows import MOMENT, access_logs, spans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.sql_files import SqlFile


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"), create=True)


def add(lake: Lake, table: str, *parts: pa.Table) -> str:
    with lake.begin("ingest", {}) as batch:
        files = [
            file
            for number, rows in enumerate(parts)
            for file in write_part(lake.uri, table, batch.part_name(number), rows)
        ]
        return batch.commit({table: files})


def sql_folder(folder: Path, **statements: str) -> Mapping[str, SqlFile]:
    for name, text in statements.items():
        (folder / f"{name}.sql").write_text(text)
    return sql_files(folder)


def header(kind: str, reads: str = "none", params: str = "none") -> str:
    return f"-- purpose: p\n-- kind: {kind}\n-- reads: {reads}\n-- grain: g\n-- params: {params}\n"


@pytest.mark.parametrize(("table", "rows"), [(ACCESS_LOGS, access_logs(3)), (SPANS, spans(3))])
def test_rows_come_back_as_the_schema_has_them(lake: Lake, table: object, rows: pa.Table) -> None:
    definition = {ACCESS_LOGS.name: ACCESS_LOGS, SPANS.name: SPANS}[getattr(table, "name", "")]
    add(lake, definition.name, rows)
    with open_session(lake.uri) as session:
        read = session.query(definition.name)
        assert session.rows(definition.name) == 3
    assert read.column_names == definition.schema.names
    assert [field.type for field in read.schema] == [field.type for field in definition.schema]
    assert read.select(rows.column_names).to_pylist() == rows.to_pylist()
    assert set(read.column("date").to_pylist()) == {MOMENT.date()}


def test_maps_are_maps(lake: Lake) -> None:
    add(lake, "spans", spans(1))
    with open_session(lake.uri) as session:
        session.require("spans")
        found = session.connection.sql("SELECT typeof(attributes), attributes['zone'] FROM spans").fetchall()
    assert found == [("MAP(VARCHAR, VARCHAR)", "a")]


def test_files_of_an_object_store_read_the_same(lake: Lake) -> None:
    """The way that object stores are read (through Arrow), here over a folder."""
    add(lake, "access_logs", access_logs(3), access_logs(2, start=MOMENT + dt.timedelta(days=1)))
    add(lake, "spans", spans(2))
    local = lake.snapshot()
    remote = replace(local, storage=replace(local.storage, is_local=False))
    with session_over(local) as session, session_over(remote) as through_arrow:
        for table in ("access_logs", "spans", "findings", "runs"):
            ours, theirs = (one.query(table) for one in (session, through_arrow))
            assert ours.schema.names == theirs.schema.names
            assert sorted(map(repr, ours.to_pylist())) == sorted(map(repr, theirs.to_pylist()))
        wanted = "SELECT count(*) FROM access_logs WHERE date = DATE '2024-05-02'"
        assert through_arrow.connection.sql(wanted).fetchall() == [(2,)]
        through_arrow.require("calls")


def test_only_files_of_the_wanted_date_are_read(lake: Lake) -> None:
    days = [access_logs(2, start=MOMENT + dt.timedelta(days=day)) for day in range(3)]
    add(lake, "access_logs", *days)
    (unwanted,) = [file for file in lake.snapshot().files("access_logs") if "2024-05-03" in file.path]
    lake.storage.write(f"access_logs/{unwanted.path}", b"not Parquet")
    with open_session(lake.uri) as session:
        session.require("access_logs")
        counted = session.connection.sql("SELECT count(*) FROM access_logs WHERE date <= DATE '2024-05-02'")
        assert counted.fetchall() == [(4,)]


def test_a_session_stays_at_its_run(lake: Lake) -> None:
    add(lake, "access_logs", access_logs(2))
    with open_session(lake.uri) as session:
        add(lake, "access_logs", access_logs(2))
        assert session.query("access_logs").num_rows == 2


def test_require_makes_what_is_read_once_and_in_order(lake: Lake, tmp_path: Path) -> None:
    files = sql_folder(
        tmp_path,
        doubled=header("macro") + "CREATE TEMP MACRO doubled(x) AS x * 2",
        slow_lines=header("view", "access_logs, doubled") + "SELECT doubled(duration_ms) AS twice FROM access_logs;",
        slowest=header("table", "slow_lines") + "SELECT max(twice) AS twice FROM slow_lines",
        over=header("query", "slowest", "limit_ms BIGINT") + "SELECT * FROM slowest WHERE twice > $limit_ms",
    )
    add(lake, "access_logs", access_logs(10))
    with open_session(lake.uri, files=files) as session:
        assert session.query("over", limit_ms=17).to_pylist() == [{"twice": 18}]
        assert session.query("over", limit_ms=18).to_pylist() == []
        session.require("slowest", "slow_lines")
        made = session.connection.sql(
            "SELECT table_name, table_type FROM information_schema.tables ORDER BY 1"
        ).fetchall()
        assert made == [("access_logs", "VIEW"), ("slow_lines", "VIEW"), ("slowest", "LOCAL TEMPORARY")]


def test_a_relation_made_by_hand_counts_as_there(lake: Lake, tmp_path: Path) -> None:
    files = sql_folder(tmp_path, lines=header("view", "missing") + "SELECT 1 AS a", missing=header("view") + "SELECT")
    with open_session(lake.uri, files=files) as session:
        session.connection.execute("CREATE TEMP TABLE missing (a INT)").fetchall()
        session.connection.execute("CREATE TEMP TABLE access_logs (a INT)").fetchall()
        assert session.query("lines").to_pylist() == [{"a": 1}]
        assert session.query("access_logs").column_names == ["a"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, r"over takes \$limit_ms, and was given no parameters"),
        ({"limit_ms": 1, "more": 2}, r"given \$limit_ms, \$more"),
        ({"limit_ms": "many"}, r"over\.sql"),
    ],
)
def test_wrong_parameters(lake: Lake, tmp_path: Path, params: dict[str, object], message: str) -> None:
    files = sql_folder(tmp_path, over=header("query", params="limit_ms BIGINT") + "SELECT 1 WHERE 2 > $limit_ms")
    with open_session(lake.uri, files=files) as session, pytest.raises(LakeError, match=message):
        session.query("over", **params)


def test_a_file_that_is_gone_is_named(lake: Lake) -> None:
    add(lake, "spans", spans(1))
    (file,) = lake.snapshot().files("spans")
    lake.storage.delete(f"spans/{file.path}")
    with open_session(lake.uri) as session, pytest.raises(LakeError, match=rf"table spans cannot be read.*{file.path}"):
        session.query("spans")


def test_parameters_are_never_sql(lake: Lake, tmp_path: Path) -> None:
    files = sql_folder(tmp_path, echo=header("query", params="text VARCHAR") + "SELECT $text AS text")
    hostile = "'; DROP TABLE x; --"
    with open_session(lake.uri, files=files) as session:
        assert session.query("echo", text=hostile).to_pylist() == [{"text": hostile}]


def test_names_that_are_nothing(lake: Lake) -> None:
    with open_session(lake.uri) as session:
        with pytest.raises(SqlFileError, match="is called nonsense"):
            session.query("nonsense")
        with pytest.raises(SqlFileError, match="is called nonsense"):
            session.require("nonsense")


def test_a_broken_statement_names_its_file(lake: Lake, tmp_path: Path) -> None:
    files = sql_folder(tmp_path, broken=header("view") + "SELECT nothing FROM nowhere")
    with open_session(lake.uri, files=files) as session, pytest.raises(LakeError, match=r"broken\.sql: .*nowhere"):
        session.require("broken")


def test_a_sealed_session_reads_the_lake_alone(lake: Lake, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    visible = pa.table({"a": [1]})
    with open_session(lake.uri) as session:
        for statement in (
            f"SELECT * FROM read_csv('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/other.duckdb'",
            "INSTALL httpfs",
            "SELECT * FROM visible",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                session.connection.execute(statement).fetchall()
        assert visible.num_rows == 1
        zone = session.connection.sql("SELECT current_setting('TimeZone')").fetchall()
    assert zone == [("UTC",)]
    assert not (tmp_path / "out.csv").exists()


def test_work_beyond_the_memory_limit_spills_and_cleans_up(lake: Lake) -> None:
    with open_session(lake.uri, memory_limit="100MB") as session:
        session.connection.execute(
            "CREATE TEMP TABLE big AS SELECT i, repeat('x', 100) || i AS text FROM range(2_000_000) AS t(i)"
        ).fetchall()
        assert session.connection.sql("SELECT count(DISTINCT text) FROM big").fetchall() == [(2_000_000,)]
        spill = session._spill.name
    assert not Path(spill).exists()


def test_a_wrong_memory_limit(lake: Lake) -> None:
    with pytest.raises(LakeError, match="a session of lots memory cannot be opened"):
        open_session(lake.uri, memory_limit="lots")


def test_a_lake_of_a_thousand_files_opens_at_once(lake: Lake) -> None:
    with lake.begin("ingest", {}) as batch:
        files = []
        for day in range(20):
            rows = access_logs(1, start=MOMENT + dt.timedelta(days=day))
            (file,) = write_part(lake.uri, "access_logs", batch.part_name(day), rows)
            for copy in range(50):
                path = file.path.replace(f".v{VERSION}.", f"-{copy}.v{VERSION}.")
                shutil.copy(f"{lake.uri}/access_logs/{file.path}", f"{lake.uri}/access_logs/{path}")
                files.append(replace(file, path=path))
        batch.commit({"access_logs": files})
    taken: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        with open_session(lake.uri) as session:
            session.require("access_logs")
            assert session.rows("access_logs") == 1000
        taken.append(time.perf_counter() - start)
    assert min(taken) < 1.0, taken
