"""Entry point of the dashboard: navigation, the filters that all pages share and the lake's state.

Run by `meshlens dashboard`; the files of `dashboards/pages/` are run by Streamlit as scripts from here. This script has
a folder of its own because Streamlit runs a `pages` folder beside its entry script by itself: the first visitor of a
link to a page would get that page alone, without the filters.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import streamlit as st

from dashboards import data, navigation, state
from dashboards.components import page
from dashboards.models import formats
from pipelines.lake.errors import LakeError

#: A file of ours: an icon by name would be fetched from the internet.
ICON: Final = Path(__file__).with_name("icon.svg")

#: Seconds between looks for a new run; a streamed request is on the page one look and one drawing after its commit.
REFRESH_SECONDS: Final = 3


@st.fragment(run_every=REFRESH_SECONDS)
def lake_panel(shown: data.LakeState) -> None:
    """Say which lake is shown and how fresh it is; redraw the page when there is a newer run."""
    now = data.lake_state()
    if now != shown:
        st.rerun()
    st.caption("Lake")
    st.text(formats.plain(now.uri))
    if now.run_id is not None:
        newest = data.rows("dashboard_runs", row_limit=1)[0]
        finished = newest["finished_at"]
        moment = finished if isinstance(finished, datetime) else None
        st.caption(f"Newest run: {formats.markdown(newest['kind'])}, {formats.ago(moment, datetime.now(UTC))}")


def no_lake(now: data.LakeState) -> None:
    """What to show where there is nothing to read."""
    page.header("Meshlens", "Observability and diagnosis for Istio-compatible service meshes.")
    page.nothing(
        "There is nothing in the lake yet." if now.problem is None else "The lake cannot be read.",
        page.with_lake("meshlens ingest PATH_OF_LOGS_TRACES_METRICS_AND_CONFIGURATION"),
        page.with_lake("meshlens diagnose"),
        page.with_lake("meshlens dashboard"),
    )
    if now.problem is not None:
        st.text(formats.plain(now.problem))
    st.caption("This page looks for the lake every few seconds.")


def main() -> None:
    """Draw the sidebar, then the chosen page."""
    st.set_page_config(page_title="Meshlens", page_icon=str(ICON), layout="wide")
    chosen = st.navigation(navigation.pages())
    navigation.follow()
    now = data.lake_state()
    if now.run_id is None:
        with st.sidebar:
            lake_panel(now)
        no_lake(now)
        return
    try:
        with st.sidebar:
            state.draw_filters()
            lake_panel(now)
        chosen.run()
    except LakeError as error:
        st.error("The lake could not be read. `meshlens doctor` says what is wrong with it.")
        st.text(formats.plain(error))


main()
