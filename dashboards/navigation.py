"""The pages, and how to get from a row on one page to its details on another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

_FOLDER: Final = Path(__file__).parent / "pages"

_PENDING: Final = "pending_page"

#: Page file, title, icon, in the order of the navigation; the first is the front page.
_PAGES: Final = (
    ("overview", "Overview", ":material/monitoring:"),
    ("health", "Health", ":material/ecg_heart:"),
    ("topology", "Topology", ":material/hub:"),
    ("findings", "Findings", ":material/troubleshoot:"),
    ("traces", "Traces", ":material/waterfall_chart:"),
    ("alerts", "Alerts", ":material/notifications:"),
    ("scoping", "Scoping", ":material/filter_center_focus:"),
    ("data", "Data", ":material/database:"),
)


def pages() -> list[Page]:
    """All pages, for `st.navigation`."""
    return [
        st.Page(_FOLDER / f"{name}.py", title=title, icon=icon, url_path=name, default=number == 0)
        for number, (name, title, icon) in enumerate(_PAGES)
    ]


def go(name: str, parameters: Mapping[str, str]) -> None:
    """Open page `name` with URL `parameters` at the next run; for widget callbacks, which cannot switch pages."""
    st.session_state[_PENDING] = (name, dict(parameters))


def follow() -> None:
    """Go where the last callback wanted to go."""
    pending = st.session_state.pop(_PENDING, None)
    if pending is not None:
        name, parameters = pending
        st.switch_page(_FOLDER / f"{name}.py", query_params=parameters)
