"""Headers of SQL files and the order they are needed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.sql_files import SqlFileError, all_views, in_order, parse_sql_file, sql_files, statement

if TYPE_CHECKING:
    from pathlib import Path

HEADER = {"purpose": "p", "kind": "view", "reads": "none", "grain": "g", "params": "none"}


def write(folder: Path, name: str, body: str = "SELECT 1 AS a", **header: str | None) -> Path:
    lines = [f"-- {key}: {value}" for key, value in (HEADER | header).items() if value is not None]
    path = folder / f"{name}.sql"
    path.write_text("\n".join([*lines, body, ""]))
    return path


def test_a_header_over_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "slow.sql"
    path.write_text(
        "-- purpose: Slow calls: those\n--          beyond a limit.\n-- kind: query\n-- reads: calls,\n--   pods\n"
        "-- grain: one call\n-- params: limit_ms DECIMAL(18, 3), names VARCHAR[]\n"
        "-- not part of the header's values? it is: a line without a known key goes on\n\n"
        "SELECT 1 -- $limit_ms\nWHERE $names IS NULL AND $limit_ms > 1;\n"
    )
    file = parse_sql_file(path)
    assert file.purpose == "Slow calls: those beyond a limit."
    assert (file.name, file.kind, file.reads) == ("slow", "query", ("calls", "pods"))
    assert next(iter(file.params)) == "limit_ms"
    assert file.params["limit_ms"] == "DECIMAL(18, 3)"
    assert file.text.endswith("AND $limit_ms > 1")


@pytest.mark.parametrize(
    ("header", "body", "message"),
    [
        ({"kind": None, "grain": None}, "SELECT 1", "the header lacks kind, grain"),
        ({"kind": "index"}, "SELECT 1", "kind is 'index'; it is one of view, table, query, check, macro"),
        ({"reads": "pods; services"}, "SELECT 1", "reads holds 'pods; services'"),
        ({"params": "limit"}, "SELECT 1", "params holds 'limit'"),
        ({"params": "limit_ms BIGINT"}, "SELECT 1", r"limit_ms is declared but \$limit_ms is not used"),
        ({}, "", "there is no statement after the header"),
    ],
)
def test_headers_that_are_wrong(tmp_path: Path, header: dict[str, str | None], body: str, message: str) -> None:
    path = write(tmp_path, "x", body, **header)
    with pytest.raises(SqlFileError, match=message) as error:
        parse_sql_file(path)
    assert str(path) in str(error.value)


def test_order_is_what_is_read_first(tmp_path: Path) -> None:
    write(tmp_path, "c", reads="b, access_logs")
    write(tmp_path, "b", reads="a, spans")
    write(tmp_path, "a", reads="spans")
    files = sql_files(tmp_path)
    assert in_order(("c", "a"), files) == ("spans", "a", "b", "access_logs", "c")
    assert in_order(("c",), files, known=lambda name: name == "b") == ("access_logs", "c")
    assert all_views(files) == ("a", "b", "c")


def test_circles_and_unknown_names(tmp_path: Path) -> None:
    write(tmp_path, "a", reads="b")
    write(tmp_path, "b", reads="c")
    write(tmp_path, "c", reads="a, nowhere")
    files = sql_files(tmp_path)
    with pytest.raises(SqlFileError, match="in a circle: a -> b -> c -> a"):
        in_order(("a",), files)
    with pytest.raises(SqlFileError, match="no lake table is called nowhere"):
        statement("nowhere", files)


def test_names_are_unique(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    write(tmp_path / "one", "same")
    write(tmp_path / "two", "same")
    with pytest.raises(SqlFileError, match="has the same name"):
        sql_files(tmp_path)


def test_lake_tables_keep_their_names(tmp_path: Path) -> None:
    write(tmp_path, "runs")
    with pytest.raises(SqlFileError, match="runs is the name of a lake table"):
        sql_files(tmp_path)


def test_every_sql_file_reads_only_what_there_is() -> None:
    files = sql_files()
    assert in_order(tuple(files)) != ()
    assert {file.kind for file in files.values()} <= {"view", "table", "query", "check", "macro"}
