"""The lake as one DuckDB file: every table, and every view computed, for tools that know nothing of lakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from pipelines.lake.errors import LakeError
from pipelines.lake.session import open_session
from pipelines.lake.views import literal, quoted
from pipelines.schemas import BY_NAME
from pipelines.sql_files import all_views, statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.lake.session import Session


def export_duckdb(
    lake_uri: str,
    path: Path,
    *,
    memory_limit: str = "2GB",
    at_run: str | None = None,
    overwrite: bool = False,
    on_table: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Write a DuckDB file that holds every lake table and every view as a table; returns rows by table.

    The file appears under its name once it is complete. `on_table` is told each table and its rows when it is done.

    Raises:
        LakeError: the file is there already (and `overwrite` was not given), cannot be written, or a view fails.
    """
    if path.exists() and not overwrite:
        raise LakeError(f"{path} exists; remove it, name another file, or allow replacing it")
    temporary = path.with_name(f".{path.name}.partial")
    temporary.unlink(missing_ok=True)
    try:
        with open_session(lake_uri, memory_limit, at_run, sealed=False) as session:
            rows = _fill(session, temporary, on_table or (lambda _table, _rows: None))
        temporary.replace(path)
    except (duckdb.Error, OSError) as error:
        raise LakeError(f"{path}: {error}") from error
    finally:
        for leftover in (temporary, temporary.with_name(f"{temporary.name}.wal")):
            leftover.unlink(missing_ok=True)
    return rows


def _fill(session: Session, path: Path, on_table: Callable[[str, int], None]) -> dict[str, int]:
    connection = session.connection
    connection.execute(f"ATTACH {literal(str(path))} AS exported").fetchall()
    rows: dict[str, int] = {}
    for name in (*BY_NAME, *all_views()):
        session.require(name)
        target = f"exported.main.{quoted(name)}"
        connection.execute(f"CREATE TABLE {target} AS SELECT * FROM temp.main.{quoted(name)}").fetchall()
        purpose = "A table of the lake." if name in BY_NAME else statement(name).purpose
        connection.execute(f"COMMENT ON TABLE {target} IS {literal(purpose)}").fetchall()
        ((rows[name],),) = connection.execute(f"SELECT count(*) FROM {target}").fetchall()
        on_table(name, rows[name])
    connection.execute("DETACH exported").fetchall()
    return rows
