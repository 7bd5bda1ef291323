"""Diagnosis of what real Envoys logged: faults are named where and when they were made, and health is silent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from analyzers.framework.finding import at_least
from analyzers.framework.run import diagnose_lake
from pipelines.jobs.ingest import run_ingest
from tests.support.corpora import ROOT, Corpus, corpora

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.framework.analyzer import Report
    from analyzers.framework.finding import Finding

pytestmark = pytest.mark.corpus

LOGGED = [corpus for corpus in corpora() if corpus.inputs("logs-text")]
FAULTY = [corpus for corpus in LOGGED if (corpus.path / "expected_findings.json").exists()]
HEALTHY = [corpus for corpus in LOGGED if corpus.healthy]

#: What a window may be longer by in the logs: calls that were under way, proxies that learn late.
SLACK_SECONDS = 4.0

Window = dict[str, Any]

if not (FAULTY or HEALTHY):
    pytest.skip(f"no corpora in {ROOT}; set ENVOY_CORPUS_DIR", allow_module_level=True)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Report]:
    found = {}
    for corpus in {*FAULTY, *HEALTHY}:
        lake = str(tmp_path_factory.mktemp(corpus.name) / "lake")
        run_ingest(corpus.inputs("kubernetes", "logs-text", "prometheus"), lake)
        found[corpus.name] = diagnose_lake(lake)
    return found


def windows_of(corpus: Corpus) -> list[Window]:
    windows: list[Window] = json.loads((corpus.path / "expected_findings.json").read_text())["windows"]
    return windows


def all_windows() -> list[Any]:
    return [
        pytest.param(corpus, window, id=f"{corpus.name}/{window['window']}")
        for corpus in FAULTY
        for window in windows_of(corpus)
    ]


def names(finding: Finding, window: Window) -> bool:
    """Whether the finding is of the window: an accepted cause, while it lasted, on an edge that failed."""
    if finding.first_seen is None or finding.last_seen is None or finding.cause not in window["causes"]:
        return False
    if finding.first_seen.timestamp() > window["end"] or finding.last_seen.timestamp() < window["start"]:
        return False
    if not window["edges"]:
        return any(edge.callee.split(".")[0] == window["target"] for edge in finding.edges)
    return any((edge.caller, edge.callee) in edges_of(window) for edge in finding.edges)


def edges_of(window: Window) -> set[tuple[str, str]]:
    return {(edge["caller"], edge["callee"]) for edge in window["edges"]}


@pytest.mark.parametrize(("corpus", "window"), all_windows())
def test_a_fault_is_named_on_its_edge(corpus: Corpus, window: Window, reports: Mapping[str, Report]) -> None:
    matching = [finding for finding in reports[corpus.name].active if names(finding, window)]
    if "logs" not in window["seen_in"]:
        assert {finding.severity for finding in matching} == {"info"}
    assert matching, [(item.cause, item.subject, item.first_seen) for item in reports[corpus.name].active]
    told = {finding.object for finding in matching} - {None}
    assert not told or window["object"] in told, "an object is right or not told"


@pytest.mark.parametrize("corpus", FAULTY, ids=lambda corpus: corpus.name)
def test_every_warning_is_of_a_fault_and_no_longer_than_it(corpus: Corpus, reports: Mapping[str, Report]) -> None:
    windows = windows_of(corpus)
    for finding in reports[corpus.name].active:
        if not at_least(finding.severity, "warning") or finding.first_seen is None or finding.last_seen is None:
            continue
        mine = [window for window in windows if names(finding, window)]
        assert mine, f"{finding.code} {finding.cause} on {finding.subject} at {finding.first_seen}: no fault was made"
        longest = max(window["end"] for window in mine) - min(window["start"] for window in mine) + SLACK_SECONDS
        assert (finding.last_seen - finding.first_seen).total_seconds() <= longest


@pytest.mark.parametrize("corpus", HEALTHY, ids=lambda corpus: corpus.name)
def test_health_gives_no_warning(corpus: Corpus, reports: Mapping[str, Report]) -> None:
    report = reports[corpus.name]
    assert {"dangling_host", "explained_failures"} <= set(report.ran)
    assert [finding.message for finding in report.active if at_least(finding.severity, "warning")] == []


@pytest.mark.parametrize("corpus", FAULTY, ids=lambda corpus: corpus.name)
def test_evidence_leads_back_to_the_lines(corpus: Corpus, reports: Mapping[str, Report]) -> None:
    for finding in reports[corpus.name].active:
        if finding.analyzer != "explained_failures":
            continue
        samples: Any = finding.evidence["samples"]
        assert 1 <= len(samples) <= 5
        for sample in samples:
            with Path(sample["source"]).open("rb") as file:
                file.seek(sample["source_offset"])
                line = file.readline().decode()
            assert line.startswith("[")
            assert sample["request_id"] is None or sample["request_id"] in line
