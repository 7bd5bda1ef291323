"""Runs every scenario folder of SCOPING_SCENARIOS_DIR (default: `scoping_scenarios/` beside this file).

A folder holds `config/*.yaml` (Kubernetes and Istio objects), `traffic/POD/*.log` (Istio's text or JSON access log),
`metrics/*.json` (`query_range` answers) and `expect.yaml`; docs/scoping.md describes the last one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from analyzers.framework.analyzer import Options
from analyzers.scoping.assessment import Settings
from analyzers.scoping.model import Verdict  # noqa: TC001 - pydantic reads the annotation
from analyzers.scoping.names import normalised
from analyzers.scoping.recommend import recommend
from analyzers.scoping.sidecar_scope import run
from meshlens.options import duration
from pipelines.lake.session import open_session
from tests.analyzers.scoping.lakes import lake_of

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.scoping.model import Recommendation, ScopingResult
    from analyzers.scoping.proposal import Proposal

SCENARIOS = Path(os.environ.get("SCOPING_SCENARIOS_DIR", Path(__file__).with_name("scoping_scenarios")))


@dataclass(frozen=True, slots=True)
class Expected:
    """What `expect.yaml` says of one recommendation. `hosts` are without BASE and exact; null means not asked."""

    verdict: Verdict | list[Verdict]
    kind: str = "Sidecar"
    hosts: list[str] | None = None
    base: list[str] | None = None
    selector: dict[str, str] | None = None
    warnings: list[str] = field(default_factory=list)
    absent_warnings: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    manifest: dict[str, object] | None = None
    without_manifest: bool = False  # a Sidecar in force needs no change
    refused: list[str] = field(default_factory=list)
    service_entries: list[str] | None = None
    rollback_hosts: list[str] | None = None
    widen_hosts: list[str] | None = None


@dataclass(frozen=True, slots=True)
class ExpectedProposal:
    """What `expect.yaml` says of one proposal beyond single workloads, by its target. `values` are exact."""

    verdict: Verdict | list[Verdict]
    kind: str | None = None
    values: list[str] | None = None
    warnings: list[str] = field(default_factory=list)
    absent_warnings: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    consumers: list[str] | None = None
    needs: list[str] | None = None
    manifest: dict[str, object] | None = None
    preferred: bool | None = None


@dataclass(frozen=True, slots=True)
class ExpectedFinding:
    """A finding on an existing Sidecar or on a call that it leaves out."""

    cause: str
    object: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """`expect.yaml`: recommendations by `namespace/workload`, who never gets one and findings (null: not asked).

    `complete`: there are no others. Who never gets one may also stand among the recommendations, as ABSTAIN.
    """

    recommendations: dict[str, Expected] = field(default_factory=dict)
    proposals: dict[str, ExpectedProposal] = field(default_factory=dict)
    absent_proposals: list[str] = field(default_factory=list)
    min_window: str = "24h"
    minimal_base: bool = False
    excluded: dict[str, str] = field(default_factory=dict)
    findings: list[ExpectedFinding] | None = None
    complete: bool = False


def folders() -> list[Path]:
    return sorted(path.parent for path in SCENARIOS.glob("*/expect.yaml"))


def test_there_are_scenarios() -> None:
    assert folders(), f"{SCENARIOS} has no folder with an expect.yaml"


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_scenario(folder: Path, tmp_path: Path) -> None:
    import yaml

    scenario = TypeAdapter(Scenario).validate_python(yaml.safe_load((folder / "expect.yaml").read_text()))
    uri = lake_of(folder, tmp_path / "lake")
    settings = Settings(duration(scenario.min_window), control_plane_base=not scenario.minimal_base)
    with open_session(uri) as session:
        result = recommend(session, settings)
        findings = list(run(session, Options()))
    assert not result.skipped
    _check_recommendations(scenario, result)
    _check_proposals(scenario, result)
    _check_findings(scenario, findings)


def _check_recommendations(scenario: Scenario, result: ScopingResult) -> None:
    found = {f"{item.namespace}/{item.workload}": item for item in result.recommendations}
    excluded = {f"{item.namespace}/{item.workload}": item for item in result.excluded}
    assert set(scenario.recommendations) <= {*found, *excluded}
    assert not scenario.complete or set(found) <= set(scenario.recommendations)
    for name, expected in scenario.recommendations.items():
        if name in found:
            _check(name, expected, found[name])
        else:
            assert "ABSTAIN" in ([expected.verdict] if isinstance(expected.verdict, str) else expected.verdict), name
            assert set(expected.warnings) <= set(excluded[name].warnings), name
    because = {name: item.because for name, item in excluded.items()}
    assert scenario.excluded.items() <= because.items()


def _check(name: str, expected: Expected, item: Recommendation) -> None:
    said = f"{name}: {[(reason.verdict, reason.code, reason.message) for reason in item.reasons]}"
    verdicts = expected.verdict if isinstance(expected.verdict, list) else [expected.verdict]
    assert item.verdict in verdicts, said
    assert item.kind == expected.kind, said
    assert (item.manifest is None) == (item.verdict == "ABSTAIN" or expected.without_manifest), said
    if expected.hosts is not None:
        assert list(item.hosts) == list(normalised((*expected.hosts, *item.base))), said
    if expected.base is not None:
        assert list(item.base) == expected.base, said
    if expected.selector is not None:
        assert dict(item.selector) == expected.selector, said
    assert set(expected.warnings) <= set(item.warnings), said
    assert set(expected.absent_warnings).isdisjoint(item.warnings), said
    for part in expected.reasons:
        assert any(part in reason.message for reason in item.reasons), (part, said)
    assert set(expected.refused) <= {refusal.name for refusal in item.refusals}, (item.refusals, said)
    if expected.manifest is not None:
        assert item.manifest is not None
        assert item.manifest["spec"] == expected.manifest, said
    for hosts, emergency in ((expected.rollback_hosts, item.rollback), (expected.widen_hosts, item.widen)):
        if hosts is not None:
            assert emergency is not None, said
            assert emergency["spec"]["egress"][0]["hosts"] == hosts, said  # type: ignore[index]  # manifests are nested
    if expected.service_entries is not None:
        names = [entry["metadata"]["name"] for entry in item.service_entries]  # type: ignore[index]  # drafts are nested
        assert names == expected.service_entries, said


def _check_proposals(scenario: Scenario, result: ScopingResult) -> None:
    found = {item.target: item for item in result.proposals if item.kind != "DiscoverySelectors"}
    found |= {
        f"DiscoverySelectors/{item.target}": item for item in result.proposals if item.kind == "DiscoverySelectors"
    }
    assert set(scenario.absent_proposals).isdisjoint(found)
    for target, expected in scenario.proposals.items():
        assert target in found, (target, sorted(found))
        _check_proposal(target, expected, found[target])


def _check_proposal(target: str, expected: ExpectedProposal, item: Proposal) -> None:
    said = f"{target}: {[(reason.verdict, reason.code, reason.message) for reason in item.reasons]}"
    verdicts = expected.verdict if isinstance(expected.verdict, list) else [expected.verdict]
    assert item.verdict in verdicts, said
    assert (item.manifest is None) == (item.verdict == "ABSTAIN"), said
    assert expected.kind in {None, item.kind}, said
    assert expected.values is None or list(item.values) == expected.values, (item.values, said)
    assert set(expected.warnings) <= set(item.warnings), said
    assert set(expected.absent_warnings).isdisjoint(item.warnings), said
    for part in expected.reasons:
        assert any(part in reason.message for reason in item.reasons), (part, said)
    consumers = [f"{one.namespace}/{one.name}" for one in item.consumers]
    assert expected.consumers is None or consumers == expected.consumers, (consumers, said)
    assert expected.needs is None or list(item.needs) == expected.needs, (item.needs, said)
    assert expected.manifest is None or (item.manifest or {}).items() >= expected.manifest.items(), (
        item.manifest,
        said,
    )
    assert expected.preferred in {None, item.is_preferred}, said


def _check_findings(scenario: Scenario, findings: list[Finding]) -> None:
    if scenario.findings is None:
        return
    found = sorted((finding.cause or "", finding.object or "") for finding in findings)
    assert found == sorted((expected.cause, expected.object) for expected in scenario.findings)
    subjects = {finding.subject for finding in findings}
    assert {expected.subject for expected in scenario.findings if expected.subject} <= subjects
