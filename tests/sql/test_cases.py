"""Runs `tests/sql/cases/NAME/CASE.yaml` against the SQL file NAME. A case is

    given:            # rows of what NAME reads directly; a table that is left out is empty, a column null
      pods:
        - {namespace: shop, pod: cart-1, labels: {app: cart}}
    params: {min_samples: 10}
    ordered: false    # true: rows in this order
    expect:           # every row, with the columns that matter; all rows name the same ones
      - {namespace: shop, calls: 3}

Values take the type of their column: times are ISO 8601 text, a mapping becomes a MAP, STRUCT, JSON or, in a VARCHAR,
JSON text. A macro's case has `call: address_ip('10.0.0.1:80')` in place of `given` and expects one row of `result`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from pipelines.lake.session import Session, session_over
from pipelines.lake.snapshot import Snapshot
from pipelines.lake.storage import open_storage
from pipelines.lake.views import column_types, quoted
from pipelines.schemas import BY_NAME
from pipelines.sql_files import SqlFile, sql_files, statement

CASES = Path(__file__).parent / "cases"
KEYS = {"given", "params", "ordered", "expect", "call"}

if TYPE_CHECKING:
    import duckdb

Row = Mapping[str, object]


def case_paths() -> list[Path]:
    return sorted(CASES.glob("*/*.yaml"))


@pytest.mark.parametrize("path", case_paths(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(case) <= KEYS, f"unknown keys: {sorted(set(case) - KEYS)}"
    file = statement(path.parent.name)
    with empty_session() as session:
        fill(session, file, case.get("given") or {})
        if file.kind == "macro":
            session.require(file.name)
            result = session.connection.sql(f"SELECT {case['call']} AS result")
        else:
            result = session.relation(file.name, **(case.get("params") or {}))
        expected: Sequence[Row] = case["expect"]
        columns = same_columns(expected)
        types = dict(zip(result.columns, map(str, result.types), strict=True))
        assert set(columns) <= set(types), f"{file.name} has no column {sorted(set(columns) - set(types))}"
        actual_rows = plain(result, columns)
        wanted = {column: types[column] for column in columns}
        session.connection.execute(f"CREATE TEMP TABLE expected_rows AS {no_rows(wanted)}").fetchall()
        insert(session.connection, "expected_rows", wanted, expected)
        expected_rows = plain(session.connection.sql("SELECT * FROM expected_rows"), columns)
    if not case.get("ordered", False):
        actual_rows.sort(key=repr)
        expected_rows.sort(key=repr)
    assert actual_rows == expected_rows


@pytest.mark.parametrize("name", [name for name, file in sql_files().items() if file.kind != "macro"])
def test_sql_file_needs_only_what_it_says_it_reads(name: str) -> None:
    file = statement(name)
    with empty_session() as session:
        fill(session, file, {})
        if file.kind in {"query", "check"}:
            assert session.relation(name, **{key: some(kind) for key, kind in file.params.items()}).columns
        else:
            session.require(name)
            assert session.connection.sql(f"SELECT * FROM {quoted(name)}").columns


def some(kind: str) -> object:
    """Any value of a parameter's type."""
    values = {
        "TIMESTAMPTZ": dt.datetime(2024, 5, 1, tzinfo=dt.UTC),
        "INTERVAL": dt.timedelta(minutes=1),
        "VARCHAR": "a",
    }
    return [] if kind.endswith("[]") else values.get(kind, 1)


def empty_session() -> Session:
    return session_over(Snapshot(open_storage("no-lake"), None, {}))


@cache
def types_of(name: str) -> dict[str, str]:
    if name in BY_NAME:
        return column_types(name)
    with empty_session() as session:
        session.require(name)
        relation = session.connection.sql(f"SELECT * FROM {quoted(name)}")
        return dict(zip(relation.columns, map(str, relation.types), strict=True))


def fill(session: Session, file: SqlFile, given: Mapping[str, Sequence[Row]]) -> None:
    relations = [name for name in file.reads if name in BY_NAME or statement(name).kind != "macro"]
    assert set(given) <= set(relations), f"{file.name} does not read {sorted(set(given) - set(relations))}"
    for name in dict.fromkeys(relations):
        types = types_of(name)
        session.connection.execute(f"CREATE TEMP TABLE {quoted(name)} AS {no_rows(types)}").fetchall()
        insert(session.connection, name, types, given.get(name, []))


def insert(connection: duckdb.DuckDBPyConnection, name: str, types: Mapping[str, str], rows: Sequence[Row]) -> None:
    for row in rows:
        assert set(row) <= set(types), f"{name} has no column {sorted(set(row) - set(types))}"
        values = {f"v{position}": as_text(value, types[column]) for position, (column, value) in enumerate(row.items())}
        names = ", ".join(map(quoted, row))
        texts = ", ".join(cast(f"$v{position}", types[column]) for position, column in enumerate(row))
        connection.execute(f"INSERT INTO {quoted(name)} ({names}) SELECT {texts}", values).fetchall()


def no_rows(types: Mapping[str, str]) -> str:
    nulls = ", ".join(f"NULL::{kind} AS {quoted(column)}" for column, kind in types.items())
    return f"SELECT {nulls or 'NULL AS nothing'} WHERE false"


def as_text(value: object, kind: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict | list) or kind == "JSON":
        return json.dumps(value, default=str)
    return str(value)


def cast(parameter: str, kind: str) -> str:
    nested = kind.endswith("]") or kind.startswith(("MAP(", "STRUCT("))
    return f"CAST({parameter}::VARCHAR::JSON AS {kind})" if nested else f"CAST({parameter}::VARCHAR AS {kind})"


def same_columns(rows: Sequence[Row]) -> tuple[str, ...]:
    names = {tuple(sorted(row)) for row in rows}
    assert len(names) <= 1, "all expected rows name the same columns"
    return next(iter(names), ())


def plain(relation: duckdb.DuckDBPyRelation, columns: Sequence[str]) -> list[list[object]]:
    """Rows as values that compare: floats to nine digits, JSON parsed."""
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    rows = relation.to_arrow_table().to_pylist()
    return [[comparable(row[column], is_json=types[column] == "JSON") for column in columns] for row in rows]


def comparable(value: object, *, is_json: bool = False) -> object:
    if is_json and isinstance(value, str):
        value = json.loads(value)
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, Mapping):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(item) for item in value]
    return value
