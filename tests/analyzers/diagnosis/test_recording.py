"""Diagnosis of the bundled recording: each of its faults is named, and nothing else is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from analyzers.framework.finding import at_least
from analyzers.framework.run import diagnose_lake
from pipelines.jobs.ingest import run_ingest

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Report
    from analyzers.framework.finding import Finding

RECORDING = Path(__file__).parents[3] / "demo" / "recording"

#: Fault of the recording -> its cause and the service called. `catalog-latency` makes nothing fail.
EXPECTED = {
    "reviews-v2-errors": ("application_error", "reviews", "Deployment/shop/reviews-v2"),
    "recommendations-slow": ("route_timeout", "recommendations", "VirtualService/shop/recommendations"),
    "payments-app-stopped": ("connection_refused", "payments", "Deployment/payments/payments-v1"),
    "cart-flaky": ("retries_exhausted", "cart", "VirtualService/shop/cart"),
    "inventory-breaker": ("circuit_breaker", "inventory", "DestinationRule/shop/inventory"),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    lake = str(tmp_path_factory.mktemp("recording") / "lake")
    run_ingest([str(RECORDING / "input" / "kubernetes"), str(RECORDING / "input" / "logs-text")], lake)
    return diagnose_lake(lake)


def faults() -> dict[str, dict[str, Any]]:
    truth = json.loads((RECORDING / "ground_truth.json").read_text())
    return {fault["name"]: fault for fault in truth["faults"]}


def during(finding: Finding, fault: dict[str, Any]) -> bool:
    first, last = finding.first_seen, finding.last_seen
    return (
        first is not None
        and last is not None
        and first.timestamp() <= fault["end"]
        and last.timestamp() >= fault["start"]
    )


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_fault_is_named_with_its_object(report: Report, name: str) -> None:
    cause, service, located = EXPECTED[name]
    named = [
        finding
        for finding in report.active
        if finding.cause == cause
        and during(finding, faults()[name])
        and any(edge.callee.split(".")[0] == service for edge in finding.edges)
    ]
    assert named
    assert {finding.object for finding in named} == {located}


def test_the_route_to_nowhere_is_named_with_its_place_and_the_calls_that_took_it(report: Report) -> None:
    (finding,) = [finding for finding in report.active if finding.analyzer == "dangling_host"]
    assert finding.object == "VirtualService/shop/catalog"
    assert finding.path == "spec/http[0]/route[0]/destination/host"
    assert isinstance(finding.evidence["failing_calls"], int)
    assert finding.evidence["failing_calls"] > 0


def test_nothing_else_is_wrong(report: Report) -> None:
    told = {(finding.cause, finding.edges[0].callee.split(".")[0]) for finding in report.active
            if finding.analyzer == "explained_failures" and at_least(finding.severity, "warning")}  # fmt: skip
    assert told <= {(cause, service) for cause, service, _ in EXPECTED.values()}


def test_callers_of_callers_are_told_as_reached_and_not_as_faults_of_their_own(report: Report) -> None:
    (finding,) = [item for item in report.active if item.cause == "connection_refused"]
    affected: Any = finding.evidence["affected_edges"]
    assert [(edge["caller"], edge["callee"].split(".")[0]) for edge in affected] == [
        ("frontend-v1", "checkout"),
        ("istio-ingressgateway", "frontend"),
    ]
