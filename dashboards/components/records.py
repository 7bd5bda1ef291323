"""A table whose rows open things: sortable, filterable, reachable by keyboard.

Values are formatted here and reach the page as text nodes, so no string from the lake is ever read as markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import streamlit as st

from dashboards import navigation, state
from dashboards.components.files import script, style
from dashboards.models import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dashboards.models.rows import Row

Kind: TypeAlias = Literal["text", "tight", "code", "chip", "count", "percent", "duration", "time", "second", "size"]

_NUMBERS: Final[Mapping[str, Callable[[float], str]]] = {
    "count": formats.count,
    "percent": formats.percent,
    "duration": formats.duration,
    "size": formats.size,
}

#: How words that the product itself writes are coloured.
TONES: Final[Mapping[str, str]] = {
    "error": "bad",
    "warning": "warn",
    "info": "note",
    "ABSTAIN": "warn",
    "EMIT_REVIEW": "note",
    "EMIT": "good",
    "failing": "bad",
    "degraded": "warn",
    "unknown": "note",
    "healthy": "good",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the row's key, its heading, how to print it, and what colours it.

    `tone` maps the row to `bad`, `warn`, `note`, `good` or nothing; `share` maps it to a bar from 0 to 1.
    """

    name: str
    label: str
    kind: Kind = "text"
    help: str = ""
    tone: Callable[[Row], str] | None = None
    share: Callable[[Row], float] | None = None


def error_tone(row: Row) -> str:
    """The tone of an error rate: from 5 % bad, above zero a warning."""
    rate = row.get("error_rate")
    if not isinstance(rate, float) or rate <= 0:
        return ""
    return "bad" if rate >= 0.05 else "warn"


def _written(kind: Kind, value: object) -> str:
    if isinstance(value, datetime):
        return formats.second(value) if kind == "second" else formats.time(value)
    if isinstance(value, int | float) and kind in _NUMBERS:
        return _NUMBERS[kind](value)
    return formats.plain(value)


def _cell(column: Column, row: Row) -> dict[str, object]:
    value = row.get(column.name)
    if value is None:
        return {"text": formats.NOTHING, "order": None}
    text = _written(column.kind, value)
    order = value.timestamp() if isinstance(value, datetime) else value
    cell: dict[str, object] = {"text": text, "order": order if isinstance(order, int | float) else str(order)}
    tone = column.tone(row) if column.tone else TONES.get(str(value), "") if column.kind == "chip" else ""
    if tone or column.kind == "chip":
        cell["tone"] = tone or "plain"
    if column.share:
        cell["share"] = column.share(row)
    return cell


def records(
    label: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    opens: str | None = None,
    page: str | None = None,
    identity: str = "id",
    height: int = 420,
    note: str = "",
) -> None:
    """Show `rows`; a click on one writes its `identity` to the URL parameter `opens`.

    Args:
        label: What the table holds; also its accessible name and widget key.
        columns: The columns in order.
        rows: At most some hundreds of rows: queries limit them.
        opens: The URL parameter that holds the chosen row, or nothing where rows do not open.
        page: The page to open it on; by default this one.
        identity: The key of a row's identity.
        height: Greatest height in pixels; more rows scroll.
        note: What the reader must know of the rows, such as that there are more.
    """
    key = f"records-{label}"

    def opened() -> None:
        chosen = st.session_state[key].get("opened")
        if opens and chosen is not None:
            if page is None:
                state.select(opens, str(chosen))
            else:
                navigation.go(page, {opens: str(chosen)})

    data = {
        "label": label,
        "columns": [
            {
                "label": column.label,
                "kind": "tight" if column.kind in {"time", "second"} else column.kind,
                "align": "right" if column.kind in _NUMBERS else "",
                "help": column.help,
            }
            for column in columns
        ],
        "rows": [
            {"id": str(row.get(identity, number)), "cells": [_cell(column, row) for column in columns]}
            for number, row in enumerate(rows)
        ],
        "selected": state.selected(opens) if opens and page is None else None,
        "opens": opens is not None,
        "height": height,
        "note": note,
    }
    mount = st.components.v2.component(
        "meshlens_records", html='<div class="ml"></div>', css=style("records"), js=script("records")
    )
    mount(key=key, data=data, on_opened_change=opened)
