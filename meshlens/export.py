"""`meshlens export`: the lake as one DuckDB file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import Annotated

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption


def export(
    duckdb_file: Annotated[Path, typer.Option("--duckdb", help="The DuckDB file to write.", dir_okay=False)],
    lake: LakeOption = DEFAULT_LAKE,
    at_run: Annotated[str | None, typer.Option("--at-run", help="The state this run left, not the latest.")] = None,
    memory: Annotated[str, typer.Option("--memory", help="Memory limit; larger work spills to disk.")] = "2GB",
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Write a self-contained DuckDB file: every table of the lake, and every view computed."""
    import sys

    from meshlens.exits import fail
    from pipelines.lake.errors import LakeError
    from pipelines.lake.export import export_duckdb
    from pipelines.sql_files import SqlFileError

    def progress(table: str, rows: int) -> None:
        print(f"{table}: {rows} rows", file=sys.stderr)

    try:
        export_duckdb(lake, duckdb_file, memory_limit=memory, at_run=at_run, overwrite=force, on_table=progress)
    except (LakeError, SqlFileError) as error:
        fail(str(error))
    print(duckdb_file)
