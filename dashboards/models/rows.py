"""Rows as pages read them: one mapping a row, and its values with their types made sure of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from dashboards.models import formats

#: A row of a query: column names and Python values.
Row: TypeAlias = Mapping[str, object]


def integer(row: Row, name: str) -> int:
    """A count; null counts as zero."""
    value = row[name]
    return value if isinstance(value, int) else 0


def real(row: Row, name: str) -> float | None:
    """A number, or nothing where it is null."""
    value = row[name]
    return float(value) if isinstance(value, int | float) else None


def moment(row: Row, name: str) -> datetime | None:
    """A time, or nothing where it is null."""
    value = row[name]
    return value if isinstance(value, datetime) else None


def items(row: Row, name: str) -> list[object]:
    """A list; null is an empty one."""
    value = row[name]
    return value if isinstance(value, list) else []


def cut_note(rows: Sequence[Row], total: str, shown: str = "the first") -> str:
    """What a table says where a query found more rows than it returned; `total` is the column that counts them all."""
    if not rows or integer(rows[0], total) <= len(rows):
        return ""
    return f"{shown} of {formats.count(integer(rows[0], total))}"
