"""What every page begins with, and what it says where there is nothing to show."""

from __future__ import annotations

import streamlit as st

from dashboards.lake_address import lake_uri
from dashboards.models import formats


def header(title: str, about: str) -> None:
    """The page's title and one line on what it shows. Both are our own words."""
    st.title(title, anchor=False)
    st.caption(about)


def nothing(what: str, *commands: str) -> None:
    """Say that there is nothing and which commands change that. `what` is our own words; commands may hold any text."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        if commands:
            st.caption("Next:" if len(commands) == 1 else "Next, in this order:")
            st.code("\n".join(commands), language="bash")


def with_lake(command: str) -> str:
    """`command` with the option that names the lake shown here."""
    uri = lake_uri()
    quoted = uri if uri.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum() else f"'{uri}'"
    return f"{command} --lake {quoted}"


def facts(rows: list[tuple[str, object]]) -> None:
    """Labelled values in a row of columns; labels are our own words, values are shown as they are."""
    shown = [(label, formats.plain(value)) for label, value in rows if value is not None and value != ""]
    if not shown:
        return
    widths = [min(40, max(14, len(label), len(value))) for label, value in shown]
    for column, (label, value) in zip(st.columns(widths), shown, strict=True):
        with column, st.container(gap=None):
            st.caption(label)
            st.text(value)
