"""What the reader has chosen, kept in the URL, so that a reload or a shared link shows the same page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from dashboards import data
from dashboards.models import formats
from dashboards.models.rows import moment

ALL_NAMESPACES: Final = "All namespaces"

_FILTERS: Final = "shared_filters"
_TELEMETRY: Final = frozenset({"access logs", "spans", "metric samples"})

#: Windows end at the newest record, so that a recording of last week is read like a stream of now.
WINDOWS: Final[dict[str, timedelta | None]] = {
    "All": None,
    "24 h": timedelta(hours=24),
    "6 h": timedelta(hours=6),
    "1 h": timedelta(hours=1),
    "15 min": timedelta(minutes=15),
    "5 min": timedelta(minutes=5),
    "1 min": timedelta(minutes=1),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of every page. `namespace` is null where all are shown; both ends of the window belong to it."""

    namespace: str | None
    window_start: datetime
    window_end: datetime

    def parameters(self) -> dict[str, object]:
        """The filters as the queries' parameters."""
        return {"namespace": self.namespace, "window_start": self.window_start, "window_end": self.window_end}


def draw_filters() -> None:
    """Draw the filters that all pages share and keep what they say for `filters`."""
    bounds = data.rows("dashboard_bounds")
    signals = [row for row in bounds if row["signal"] in _TELEMETRY]
    firsts = [first for row in signals if (first := moment(row, "first_seen"))]
    lasts = [last for row in signals if (last := moment(row, "last_seen"))]
    now = datetime.now(UTC)
    first, last = min(firsts, default=now), max(lasts, default=now)
    names = [str(row["namespace"]) for row in data.rows("dashboard_namespaces", row_limit=data.ROW_LIMIT)]
    namespace = st.selectbox("Namespace", [ALL_NAMESPACES, *names], key="namespace", bind="query-params")
    window = st.selectbox(
        "Time window",
        list(WINDOWS),
        key="window",
        bind="query-params",
        help="Counted back from the newest record in the lake.",
    )
    length = WINDOWS[window]
    start = first if length is None else max(first, last - length)
    if lasts:
        st.caption(f"{formats.second(start)} to {formats.second(last)} UTC")
    chosen = Filters(None if namespace == ALL_NAMESPACES else namespace, start, last)
    st.session_state[_FILTERS] = chosen


def filters() -> Filters:
    """What the shared filters say."""
    chosen = st.session_state[_FILTERS]
    if not isinstance(chosen, Filters):
        raise TypeError(f"{_FILTERS} holds {type(chosen).__name__}")
    return chosen


def selected(name: str) -> str | None:
    """The value of the URL parameter `name`, or nothing."""
    value = st.query_params.get(name)
    return value or None


def select(name: str, value: str | None) -> None:
    """Put `value` into the URL under `name`, or take it out."""
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value
