"""Pages with nothing to show say which command changes that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import streamlit as st

from pipelines.lake.lake import Lake
from tests.dashboards import shop_results
from tests.dashboards.reading import metrics, table, words

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dashboards.conftest import Open


def test_without_a_lake_every_page_says_how_to_make_one(open_page: Open, tmp_path: Path) -> None:
    app = open_page("topology", lake=tmp_path / "none")
    said = words(app)
    assert "The lake cannot be read." in said
    assert f"meshlens ingest PATH_OF_LOGS_TRACES_METRICS_AND_CONFIGURATION --lake {tmp_path}/none" in said
    assert "there is no lake here" in said


def test_a_lake_without_runs_says_that_it_is_empty(open_page: Open, tmp_path: Path) -> None:
    Lake.open(str(tmp_path / "lake"), create=True)
    assert "There is nothing in the lake yet." in words(open_page("overview", lake=tmp_path / "lake"))


@pytest.fixture(scope="module")
def lake_without_telemetry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that holds configuration alone."""
    folder = tmp_path_factory.mktemp("configured") / "lake"
    tables = shop_results.ingested()
    Lake.open(str(folder), create=True).append("ingest", {"mesh_objects": tables["mesh_objects"]})
    return folder


@pytest.mark.parametrize(
    ("page", "command"),
    [
        ("overview", "meshlens ingest PATH_OF_ACCESS_LOGS"),
        ("topology", "meshlens ingest PATH"),
        ("findings", "meshlens diagnose"),
        ("traces", "meshlens ingest PATH_OF_OTLP_TRACES"),
        ("alerts", "meshlens alerts"),
        ("scoping", "meshlens recommend"),
    ],
)
def test_a_page_without_its_data_names_the_next_command(
    open_page: Open, lake_without_telemetry: Path, page: str, command: str
) -> None:
    app = open_page(page, lake=lake_without_telemetry)
    assert f"{command} --lake {lake_without_telemetry}" in words(app)


def test_data_without_sources_lists_the_run_and_the_silent_pods(open_page: Open, lake_without_telemetry: Path) -> None:
    app = open_page("data", lake=lake_without_telemetry)
    assert "Nothing was ingested." in words(app)
    assert [row["Kind"] for row in table(app, "Runs")] == ["ingest"]
    assert {row["Log lines"] for row in table(app, "Coverage")} == {"0"}


def test_a_diagnosis_that_found_nothing_is_told_apart_from_none(open_page: Open, tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"), create=True)
    lake.append("diagnose", {"findings": shop_results.findings().slice(0, 0)}, shop_results.DIAGNOSIS)
    app = open_page("findings", lake=tmp_path / "lake")
    assert "The newest diagnosis found nothing." in words(app)
    assert [row["Outcome"] for row in table(app, "Analyzers")] == ["skipped", "ran", "ran"]


def test_a_new_run_is_on_the_page_at_the_next_look(open_page: Open, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    lake = Lake.open(str(folder), create=True)
    lake.append("ingest", shop_results.ingested())
    app = open_page("overview", lake=folder)
    assert metrics(app)["Findings"] == "0"
    lake.append("diagnose", {"findings": shop_results.findings()}, shop_results.DIAGNOSIS)
    # The newest run is looked for once a second; the test does not wait for that second, queries stay cached by run.
    from dashboards import data

    data._newest.clear()
    app.run()
    assert metrics(app)["Findings"] == "2"
    st.cache_resource.clear()
