"""Windows in which faults were made, and how well findings name them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyzers.framework.finding import at_least
from analyzers.framework.run import diagnose_lake
from pipelines.jobs.ingest import run_ingest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from analyzers.framework.analyzer import Report
    from analyzers.framework.finding import Finding
    from tests.support.corpora import Corpus

Window = dict[str, Any]


def windows_of(corpus: Corpus) -> list[Window]:
    """The windows of a corpus with faults."""
    windows: list[Window] = json.loads((corpus.path / "expected_findings.json").read_text())["windows"]
    return windows


def names(finding: Finding, window: Window) -> bool:
    """Whether the finding is of the window: an accepted cause, while it lasted, on an edge that failed."""
    if finding.first_seen is None or finding.last_seen is None or finding.cause not in window["causes"]:
        return False
    if finding.first_seen.timestamp() > window["end"] or finding.last_seen.timestamp() < window["start"]:
        return False
    if not window["edges"]:
        return any(edge.callee.split(".")[0] == window["target"] for edge in finding.edges)
    edges = {(edge["caller"], edge["callee"]) for edge in window["edges"]}
    return any((edge.caller, edge.callee) in edges for edge in finding.edges)


def diagnosed(corpus: Corpus, lake: Path, logs: str = "logs-text") -> Report:
    """The report of a corpus, from its objects, one kind of its logs, and its metrics."""
    run_ingest(corpus.inputs("kubernetes", logs, "prometheus"), str(lake))
    return diagnose_lake(str(lake))


@dataclass(frozen=True, slots=True)
class Score:
    """One class of fault: windows made and named, findings at warning or above given and right, objects likewise."""

    windows: int = 0
    named: int = 0
    given: int = 0
    right: int = 0
    objects: int = 0
    objects_right: int = 0

    @property
    def recall(self) -> float:
        """The share of windows that were named."""
        return self.named / self.windows if self.windows else 1.0

    @property
    def precision(self) -> float:
        """The share of warnings and errors that name a window."""
        return self.right / self.given if self.given else 1.0


def scores(reports: Mapping[Corpus, Report]) -> dict[str, Score]:
    """By class of fault, sorted: a window's class is the first cause it accepts, a stray finding's its own."""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for corpus, report in reports.items():
        windows = windows_of(corpus) if (corpus.path / "expected_findings.json").exists() else []
        for window in windows:
            found = [finding for finding in report.active if names(finding, window)]
            told = {finding.object for finding in found} - {None}
            _add(counts[window["causes"][0]], (1, bool(found), 0, 0, bool(told), window["object"] in told))
        for finding in _warnings(report.active):
            named = next((window["causes"][0] for window in windows if names(finding, window)), None)
            _add(counts[named or finding.cause or finding.code], (0, 0, 1, named is not None, 0, 0))
    return {cause: Score(*counts[cause]) for cause in sorted(counts)}


def _warnings(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if at_least(finding.severity, "warning") and finding.first_seen is not None]


def _add(counts: list[int], more: tuple[int, ...]) -> None:
    for place, value in enumerate(more):
        counts[place] += int(value)


def table(found: Mapping[str, Score]) -> str:
    """The scores as text, one class a line, and the sum."""
    rows = [*found.items(), ("all", _sum(found.values()))]
    lines = [f"{'class':26} windows named recall  warnings right precision  objects right"]
    lines += [
        f"{cause:26} {score.windows:7} {score.named:5} {score.recall:6.2f} {score.given:9} {score.right:5} "
        f"{score.precision:9.2f} {score.objects:8} {score.objects_right:5}"
        for cause, score in rows
    ]
    return "\n".join(lines)


def _sum(found: Iterable[Score]) -> Score:
    columns = zip(*((s.windows, s.named, s.given, s.right, s.objects, s.objects_right) for s in found), strict=True)
    return Score(*map(sum, columns))
