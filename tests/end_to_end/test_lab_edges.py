"""Real Envoys write, Meshlens reads: every edge equals, call for call, what the services counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from analyzers.framework.analyzer import Options
from analyzers.framework.registry import load_family
from analyzers.framework.run import run_analyzers
from analyzers.topology.service_graph import service_graph
from pipelines.jobs.ingest import run_ingest
from pipelines.lake.session import open_session
from tests.lab import SMOKE, GroundTruth, run_lab

if TYPE_CHECKING:
    from analyzers.topology.service_graph import ServiceGraph

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> GroundTruth:
    return run_lab(SMOKE, tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def lakes(truth: GroundTruth, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A lake for each kind of telemetry."""
    folder = tmp_path_factory.mktemp("lakes")
    made = {}
    for kind in ("logs-text", "logs-json", "otlp-traces"):
        made[kind] = str(folder / kind)
        report = run_ingest([str(truth.input / "kubernetes"), str(truth.input / kind)], made[kind])
        assert report.rejected == 0
    return made


def counted(graph: ServiceGraph) -> Counter[tuple[str, str, str]]:
    edges: Counter[tuple[str, str, str]] = Counter()
    for edge in graph.edges:
        if edge.caller_kind != "gateway":
            edges[edge.caller, edge.callee, edge.protocol] += edge.calls
    return edges


@pytest.mark.parametrize("kind", ["logs-text", "logs-json"])
def test_edges_from_logs_equal_what_the_services_counted(truth: GroundTruth, lakes: dict[str, str], kind: str) -> None:
    with open_session(lakes[kind]) as session:
        found = counted(service_graph(session, "logs", Options()))
    assert found == Counter({key: edge.count for key, edge in truth.edges.items()})


def test_edges_from_spans_equal_what_the_services_counted(truth: GroundTruth, lakes: dict[str, str]) -> None:
    with open_session(lakes["otlp-traces"]) as session:
        found = counted(service_graph(session, "traces", Options()))
    assert found == Counter({key: edge.count for key, edge in truth.edges.items() if edge.protocol != "tcp"})


def test_errors_are_what_the_services_saw(truth: GroundTruth, lakes: dict[str, str]) -> None:
    with open_session(lakes["logs-text"]) as session:
        graph = service_graph(session, "logs", Options())
    found = {(edge.caller, edge.callee, edge.protocol): edge.errors for edge in graph.edges if edge.errors}
    failed = {
        key: sum(count for outcome, count in edge.outcomes.items() if not outcome.startswith(("2", "3", "4")))
        for key, edge in truth.edges.items()
    }
    assert {key: count for key, count in found.items() if key in failed} == {
        key: count for key, count in failed.items() if count
    }


def test_the_injected_fault_is_found_on_its_edge(truth: GroundTruth, lakes: dict[str, str]) -> None:
    faults = truth.document["faults"]
    with open_session(lakes["logs-text"]) as session:
        report = run_analyzers(session, load_family("diagnosis"), Options())
    found = {(edge.caller, edge.callee) for finding in report.findings for edge in finding.edges}
    for fault in faults:
        for edge in fault["failed_edges"]:
            assert (edge["from"], edge["to"]) in found
