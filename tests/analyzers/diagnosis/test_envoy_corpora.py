"""Diagnosis of what real Envoys logged: faults are named where and when they were made, and health is silent."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import pytest

from analyzers.framework.finding import at_least
from tests.support.corpora import Corpus, diagnosable
from tests.support.windows import Window, diagnosed, names, scores, table, windows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.framework.analyzer import Report

#: What a window may be longer by in the logs: calls that were under way, proxies that learn late.
SLACK_SECONDS = 4.0

FAULTY = [corpus for corpus in diagnosable() if (corpus.path / "expected_findings.json").exists()]
HEALTHY = [corpus for corpus in diagnosable() if corpus.healthy]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Corpus, Report]:
    return {corpus: diagnosed(corpus, tmp_path_factory.mktemp(corpus.name) / "lake") for corpus in (*FAULTY, *HEALTHY)}


def all_windows() -> list[Any]:
    return [
        pytest.param(corpus, window, id=f"{corpus.name}/{window['window']}")
        for corpus in FAULTY
        for window in windows_of(corpus)
    ]


@pytest.mark.parametrize(("corpus", "window"), all_windows())
def test_a_fault_is_named_on_its_edge(corpus: Corpus, window: Window, reports: Mapping[Corpus, Report]) -> None:
    matching = [finding for finding in reports[corpus].active if names(finding, window)]
    if window["causes"][0] == "hidden_retries":
        assert {finding.severity for finding in matching} == {"info"}
    assert matching, [(item.cause, item.subject, item.first_seen) for item in reports[corpus].active]
    told = {finding.object for finding in matching} - {None}
    assert not told or window["object"] in told, "an object is right or not told"


@pytest.mark.parametrize("corpus", FAULTY, ids=lambda corpus: corpus.name)
def test_every_warning_is_of_a_fault_and_no_longer_than_it(corpus: Corpus, reports: Mapping[Corpus, Report]) -> None:
    windows = windows_of(corpus)
    for finding in reports[corpus].active:
        if not at_least(finding.severity, "warning") or finding.first_seen is None or finding.last_seen is None:
            continue
        mine = [window for window in windows if names(finding, window)]
        assert mine, f"{finding.code} {finding.cause} on {finding.subject} at {finding.first_seen}: no fault was made"
        longest = max(window["end"] for window in mine) - min(window["start"] for window in mine) + SLACK_SECONDS
        assert (finding.last_seen - finding.first_seen).total_seconds() <= longest


@pytest.mark.parametrize("corpus", HEALTHY, ids=lambda corpus: corpus.name)
def test_health_gives_no_warning(corpus: Corpus, reports: Mapping[Corpus, Report]) -> None:
    report = reports[corpus]
    assert {"dangling_host", "explained_failures"} <= set(report.ran)
    assert [finding.message for finding in report.active if at_least(finding.severity, "warning")] == []


@pytest.mark.parametrize("corpus", FAULTY, ids=lambda corpus: corpus.name)
def test_evidence_leads_back_to_the_lines(corpus: Corpus, reports: Mapping[Corpus, Report]) -> None:
    for finding in reports[corpus].active:
        if finding.analyzer != "explained_failures":
            continue
        samples: Any = finding.evidence["samples"]
        assert 1 <= len(samples) <= 5
        for sample in samples:
            with _opened(Path(sample["source"])) as file:
                file.seek(sample["source_offset"])
                line = file.readline().decode()
            assert line.startswith("[")
            assert sample["request_id"] is None or sample["request_id"] in line


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def test_precision_and_recall_by_class(reports: Mapping[Corpus, Report]) -> None:
    found = scores(reports)
    sys.stdout.write(f"{table(found)}\n")
    assert {cause: (score.recall, score.precision) for cause, score in found.items()} == dict.fromkeys(
        found, (1.0, 1.0)
    )
    assert sum(score.objects for score in found.values()) == sum(score.objects_right for score in found.values())


@pytest.mark.parametrize(
    "corpus", [corpus for corpus in FAULTY if corpus.inputs("logs-json")], ids=lambda corpus: corpus.name
)
def test_json_logs_say_the_same(corpus: Corpus, reports: Mapping[Corpus, Report], tmp_path: Path) -> None:
    again = diagnosed(corpus, tmp_path / "lake", "logs-json")
    assert _told(again) == _told(reports[corpus])


def _told(report: Report) -> list[tuple[object, ...]]:
    return sorted(
        (finding.cause, finding.object, finding.edges, finding.first_seen)
        for finding in report.active
        if finding.analyzer == "explained_failures" and at_least(finding.severity, "warning")
    )
