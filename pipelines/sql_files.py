"""The SQL files of `sql/`: one statement a file, described by its header comment.

A header is the run of `--` lines at the top of a file, `key: value` each, a line without a key continuing the one
above it:

    -- purpose: One row per call, client and server lines joined.
    -- kind: table
    -- reads: log_lines, services
    -- grain: one call
    -- params: window_start TIMESTAMPTZ, min_samples BIGINT

`kind` decides what becomes of the statement: `view` and `table` are a single SELECT that the session wraps in CREATE
TEMP VIEW or TABLE named like the file, `query` and `check` a single SELECT that is run with its `$parameters`, `macro`
a CREATE MACRO that is run as it stands. `reads` names lake tables and other files: it is the dependency graph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

from pipelines.schemas import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind = Literal["view", "table", "query", "check", "macro"]

_KEYS: Final = ("purpose", "kind", "reads", "grain", "params")
_HEADER_LINE: Final = re.compile(r"--\s?(?P<text>.*)")
_KEY: Final = re.compile(r"(?P<key>[a-z]+):\s*(?P<value>.*)")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_PARAMETER: Final = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\s+(?P<type>\S.*)")
_COMMA: Final = re.compile(r",(?![^(]*\))")  # not inside parentheses: DECIMAL(18, 3) is one type


class SqlFileError(ValueError):
    """A SQL file or its header is wrong; the message names the file."""


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One statement of `sql/` and what its header says. `params` maps a parameter to its DuckDB type."""

    name: str
    kind: Kind
    purpose: str
    reads: tuple[str, ...]
    grain: str
    params: Mapping[str, str]
    text: str
    path: Path


def sql_root() -> Path:
    """The folder of SQL files: `sql/` of the checkout, or the copy inside an installed package."""
    package = Path(__file__).resolve().parent
    checkout = package.parent / "sql"
    return checkout if checkout.is_dir() else package / "_sql"


@cache
def sql_files(root: Path | None = None) -> Mapping[str, SqlFile]:
    """Every SQL file beneath `root` (default: `sql_root()`) by name, sorted.

    Raises:
        SqlFileError: a header cannot be read, two files share a name, or a file is named like a lake table.
    """
    files: dict[str, SqlFile] = {}
    for path in sorted((root or sql_root()).rglob("*.sql"), key=lambda path: path.stem):
        file = parse_sql_file(path)
        if file.name in BY_NAME:
            raise SqlFileError(f"{path}: {file.name} is the name of a lake table; name the file otherwise")
        if file.name in files:
            raise SqlFileError(f"{path}: {files[file.name].path} has the same name; names are unique over all folders")
        files[file.name] = file
    return MappingProxyType(files)


def statement(name: str, files: Mapping[str, SqlFile] | None = None) -> SqlFile:
    """The SQL file called `name`.

    Raises:
        SqlFileError: there is none.
    """
    known = sql_files() if files is None else files
    if name not in known:
        raise SqlFileError(f"no SQL file and no lake table is called {name}; `meshlens sql -c '.tables'` lists them")
    return known[name]


def all_views(files: Mapping[str, SqlFile] | None = None) -> tuple[str, ...]:
    """Names of all views and tables that SQL files define, sorted."""
    known = sql_files() if files is None else files
    return tuple(name for name, file in known.items() if file.kind in {"view", "table"})


def in_order(
    names: tuple[str, ...], files: Mapping[str, SqlFile] | None = None, known: Callable[[str], bool] | None = None
) -> tuple[str, ...]:
    """`names` and everything they read, lake tables too, each after what it reads itself.

    What is `known` is left out, and so is what only that reads.

    Raises:
        SqlFileError: a name is neither a lake table nor a SQL file, or files read each other in a circle.
    """
    ordered: dict[str, None] = {}

    def visit(name: str, readers: tuple[str, ...]) -> None:
        if name in readers:
            raise SqlFileError(f"SQL files read each other in a circle: {' -> '.join((*readers, name))}")
        if name in ordered or (known is not None and known(name)):
            return
        if name not in BY_NAME:
            for read in statement(name, files).reads:
                visit(read, (*readers, name))
        ordered[name] = None

    for name in names:
        visit(name, ())
    return tuple(ordered)


def parse_sql_file(path: Path) -> SqlFile:
    """Read one SQL file and its header.

    Raises:
        SqlFileError: the header lacks a key or holds a wrong value, or the file has no statement.
    """
    header, body = _split(path)
    missing = [key for key in _KEYS if key not in header]
    if missing:
        raise SqlFileError(f"{path}: the header lacks {', '.join(missing)}")
    if not body:
        raise SqlFileError(f"{path}: there is no statement after the header")
    kinds = {str(kind): kind for kind in get_args(Kind)}
    if header["kind"] not in kinds:
        raise SqlFileError(f"{path}: kind is {header['kind']!r}; it is one of {', '.join(kinds)}")
    return SqlFile(
        name=path.stem,
        kind=kinds[header["kind"]],
        purpose=header["purpose"],
        reads=_reads(path, header["reads"]),
        grain=header["grain"],
        params=_params(path, header["params"], body),
        text=body,
        path=path,
    )


def _split(path: Path) -> tuple[dict[str, str], str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    header: dict[str, str] = {}
    key = ""
    for number, line in enumerate(lines):
        comment = _HEADER_LINE.fullmatch(line)
        if comment is None:
            return header, "\n".join(lines[number:]).strip().rstrip(";").rstrip()
        found = _KEY.fullmatch(comment["text"])
        if found and found["key"] in _KEYS:
            key = found["key"]
            header[key] = found["value"].strip()
        elif key:
            header[key] = f"{header[key]} {comment['text'].strip()}".strip()
    return header, ""


def _reads(path: Path, value: str) -> tuple[str, ...]:
    names = () if value == "none" else tuple(name.strip() for name in value.split(","))
    for name in names:
        if not _NAME.fullmatch(name):
            raise SqlFileError(f"{path}: reads holds {name!r}; it is `none` or names with commas between")
    return names


def _params(path: Path, value: str, body: str) -> Mapping[str, str]:
    params: dict[str, str] = {}
    for part in () if value == "none" else _COMMA.split(value):
        found = _PARAMETER.fullmatch(part.strip())
        if found is None:
            raise SqlFileError(
                f"{path}: params holds {part.strip()!r}; it is `none` or `name TYPE` with commas between"
            )
        if not re.search(rf"\${found['name']}\b", body):
            raise SqlFileError(f"{path}: parameter {found['name']} is declared but ${found['name']} is not used")
        params[found["name"]] = found["type"]
    return MappingProxyType(params)
