"""`meshlens sql`: a DuckDB shell over the lake."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption

if TYPE_CHECKING:
    from pipelines.lake.session import Session

Output = Literal["table", "csv", "json"]

_HELP = """Statements end with `;` and may take several lines. Lake tables and views are made when first named.
.tables   what can be queried (SHOW TABLES too)
.help     this text
.quit     leave (Ctrl-D too)"""


def sql(
    lake: LakeOption = DEFAULT_LAKE,
    command: Annotated[
        str | None, typer.Option("--command", "-c", help="Run this SQL and exit; default: read it from stdin.")
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="table, csv or json.")] = "table",
    at_run: Annotated[str | None, typer.Option("--at-run", help="The state this run left, not the latest.")] = None,
    memory: Annotated[str, typer.Option("--memory", help="Memory limit; larger work spills to disk.")] = "2GB",
) -> None:
    """Query the lake with SQL: every table and view, at the latest finished run.

    On a terminal it prompts; otherwise it runs what `-c` or stdin says and stops at the first error.
    """
    import duckdb

    from meshlens.exits import fail
    from pipelines.lake.errors import LakeError
    from pipelines.lake.session import open_session
    from pipelines.sql_files import SqlFileError

    try:
        with open_session(lake, memory, at_run, sealed=False) as session:
            if command is None and sys.stdin.isatty():
                _prompt(session, output)
            else:
                _run(session, sys.stdin.read() if command is None else command, output)
    except (LakeError, SqlFileError, duckdb.Error) as error:
        fail(str(error))


def _run(session: Session, text: str, output: Output) -> None:
    """Run statements, or one dot command, and print their results."""
    import re

    import duckdb

    from meshlens.sql_output import print_rows, print_table

    stripped = text.strip().rstrip(";").strip()
    if stripped == ".help":
        print(_HELP)
        return
    if stripped == ".tables" or re.fullmatch(r"show\s+(all\s+)?tables", stripped, re.IGNORECASE):
        listing = session.connection.from_arrow(session.relations())
        if output == "table":
            print_table(listing)
        else:
            print_rows(listing.columns, iter([listing.fetchall()]), output)
        return
    returns_rows = [duckdb.ExpectedResultType.QUERY_RESULT]
    for statement in session.connection.extract_statements(text):
        _run_statement(session, statement.query, output, shows=statement.expected_result_type == returns_rows)


def _run_statement(session: Session, text: str, output: Output, *, shows: bool) -> None:
    from meshlens.sql_output import print_rows, print_table

    if not shows:
        session.attempt(lambda: session.connection.execute(text)).fetchall()
        return
    if output == "table":
        print_table(session.attempt(lambda: session.connection.sql(text)))
        return
    result = session.attempt(lambda: session.connection.execute(text))
    columns = [column[0] for column in result.description or []]
    print_rows(columns, iter(lambda: result.fetchmany(10_000), []), output)


def _prompt(session: Session, output: Output) -> None:
    """Read statements from a terminal until its end; errors are printed and the prompt goes on."""
    import duckdb

    from pipelines.lake.errors import LakeError
    from pipelines.sql_files import SqlFileError

    _complete(session)
    run = session.snapshot.run_id or "an empty lake"
    print(f"{session.snapshot.storage.uri} at {run}; .help for help", file=sys.stderr)
    lines: list[str] = []
    while True:
        try:
            line = input("   ...> " if lines else "meshlens> ")
            if not lines and line.strip() in {".quit", ".exit"}:
                return
            lines.append(line)
            text = "\n".join(lines)
            if text.strip() and not text.lstrip().startswith(".") and not text.rstrip().endswith(";"):
                continue
            lines = []
            if text.strip():
                _run(session, text, output)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            lines = []
            print()
        except (LakeError, SqlFileError, duckdb.Error) as error:
            print(error, file=sys.stderr)


def _complete(session: Session) -> None:
    """Line editing, history and completion of relation names, where Python has readline."""
    try:
        import readline
    except ImportError:
        return
    names = session.relations().column("name").to_pylist()

    def complete(text: str, state: int) -> str | None:
        return next(iter([name for name in names if name.startswith(text)][state : state + 1]), None)

    readline.set_completer(complete)
    readline.parse_and_bind("tab: complete")
