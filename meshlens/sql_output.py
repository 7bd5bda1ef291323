"""How `meshlens sql` prints results: a box, CSV or a JSON array; large results go out piece by piece."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import json
import math
import shutil
import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import duckdb

#: Rows of a box; csv and json have no limit.
TABLE_ROWS = 1_000

# DuckDB escapes ASCII controls in a box. Logs are hostile: the controls above ASCII and those that turn the direction
# of text around must not reach a terminal either.
_UNPRINTABLE = dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")


def print_table(relation: duckdb.DuckDBPyRelation) -> None:
    """Print at most `TABLE_ROWS` rows as a box: as wide as the terminal, or as it needs to be where there is none."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 1_000_000
    box = io.StringIO()
    with contextlib.redirect_stdout(box):
        relation.show(max_rows=TABLE_ROWS, max_width=width)
    print(box.getvalue().translate(_UNPRINTABLE), end="")


def print_rows(
    columns: Sequence[str], pieces: Iterator[list[tuple[object, ...]]], output: Literal["csv", "json"]
) -> None:
    """Print all rows as CSV with a header line, or as one JSON array with a line for each row."""
    rows = (row for piece in pieces for row in piece)
    if output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in rows)
    else:
        _print_json(columns, rows)


def _print_json(columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    separator = "["
    for row in rows:
        print(separator, end="\n")
        print(json.dumps(dict(zip(columns, map(_plain, row), strict=True)), allow_nan=False), end="")
        separator = ","
    print("[]" if separator == "[" else "\n]")


def _cell(value: object) -> object:
    plain = _plain(value)
    return json.dumps(plain, allow_nan=False) if isinstance(plain, dict | list) else plain


def _plain(value: object) -> object:
    """A value as JSON has it: times ISO 8601, bytes as text with escapes, not-a-number null."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return str(value)
