"""Edges computed from one kind of telemetry at a time equal, call for call, what the applications counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from analyzers.framework.analyzer import Options
from analyzers.topology.service_graph import ServiceGraph, Source, service_graph
from pipelines.jobs.ingest import run_ingest
from pipelines.lake.session import open_session
from tests.support.corpora import Corpus, each_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.corpora import EdgeKey

pytestmark = pytest.mark.corpus


def graph_of(corpus: Corpus, lake: Path, kind: str, source: Source) -> ServiceGraph:
    if not corpus.inputs(kind):
        pytest.skip(f"{corpus.name} has no {kind}")
    report = run_ingest(corpus.inputs("kubernetes", kind), str(lake))
    assert report.read == report.accepted + report.rejected
    assert report.rejected == 0
    with open_session(str(lake)) as session:
        return service_graph(session, source, Options())


def counted(graph: ServiceGraph) -> Counter[EdgeKey]:
    """Calls by edge, gateways left out: the truth does not list their calls."""
    edges: Counter[EdgeKey] = Counter()
    for edge in graph.edges:
        if edge.caller_kind != "gateway":
            edges[edge.caller, edge.callee, edge.protocol] += edge.calls
    return edges


@each_corpus(healthy=True)
@pytest.mark.parametrize("kind", ["logs-text", "logs-json", "otlp-logs", "als"])
def test_edges_from_access_logs_equal_the_truth(corpus: Corpus, kind: str, tmp_path: Path) -> None:
    graph = graph_of(corpus, tmp_path / "lake", kind, "logs")
    assert counted(graph) == corpus.edges()


@each_corpus(healthy=True)
def test_edges_from_spans_equal_the_truth_or_its_sample(corpus: Corpus, tmp_path: Path) -> None:
    graph = graph_of(corpus, tmp_path / "lake", "otlp-traces", "traces")
    assert corpus.truth is not None
    sampling = corpus.truth["trace_sampling_percent"]
    truth = Counter({key: count for key, count in corpus.edges().items() if key[2] != "tcp"})
    if sampling == 100:
        assert counted(graph) == truth
    else:
        assert counted(graph).keys() <= truth.keys()
        assert all(count <= truth[key] for key, count in counted(graph).items())
        assert counted(graph).total() > 0


@each_corpus(healthy=True)
def test_edges_from_metrics_are_those_of_the_truth_up_to_the_last_scrape(corpus: Corpus, tmp_path: Path) -> None:
    graph = graph_of(corpus, tmp_path / "lake", "prometheus", "metrics")
    found, truth = counted(graph), corpus.edges()
    outside = {key for key in truth if key not in found}
    # Metrics name traffic outside the registry by its cluster alone.
    assert {(caller, "PassthroughCluster", protocol) for caller, _, protocol in outside} <= found.keys()
    for key in truth.keys() & found.keys():
        assert 0.85 * truth[key] <= found[key] <= truth[key]


@each_corpus(healthy=True)
def test_gateways_are_shown_and_unregistered_hosts_are_external(corpus: Corpus, tmp_path: Path) -> None:
    graph = graph_of(corpus, tmp_path / "lake", "logs-text", "logs")
    truth = corpus.truth
    assert truth is not None
    externals = truth["externals"]
    assert isinstance(externals, list)
    called = {edge.callee: edge for edge in graph.edges}
    for external in externals:
        assert called[external["host"]].callee_kind == "external"
    pods = truth["pods"]
    assert isinstance(pods, list)
    gateways = {pod["workload"] for pod in pods if pod["service"] is None}
    assert gateways == {edge.caller for edge in graph.edges if edge.caller_kind == "gateway"}


@each_corpus(healthy=False)
@pytest.mark.parametrize("kind", ["logs-text", "otlp-logs"])
def test_no_edge_is_invented_under_faults_and_next_to_nothing_is_lost(
    corpus: Corpus, kind: str, tmp_path: Path
) -> None:
    graph = graph_of(corpus, tmp_path / "lake", kind, "logs")
    # A request that no proxy could parse names no destination.
    unnamed = {edge.callee for edge in graph.edges if edge.callee_kind == "unknown"}
    found, truth = counted(graph), corpus.edges()
    named = Counter({key: count for key, count in found.items() if key[1] not in unnamed or key in truth})
    assert named.keys() <= truth.keys()
    assert all(count <= truth[key] for key, count in named.items())
    # A killed proxy takes its last buffered lines along.
    assert named.total() >= 0.95 * truth.total()


@each_corpus(healthy=True)
def test_the_commands_print_the_same_edges(corpus: Corpus, tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    program = [sys.executable, "-m", "meshlens"]
    ingest = subprocess.run(
        [*program, "ingest", "--lake", lake, *corpus.inputs("kubernetes", "logs-text")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ingest.returncode == 0, ingest.stderr
    topology = subprocess.run(
        [*program, "topology", "--lake", lake, "--source", "logs", "-o", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(topology.stdout)
    edges = {
        (edge["caller"], edge["callee"], edge["protocol"]): edge["calls"]
        for edge in document["edges"]
        if edge["caller_kind"] != "gateway"
    }
    assert edges == dict(corpus.edges())
    assert {node["name"] for node in document["nodes"]} >= {
        name for caller, callee, _ in edges for name in (caller, callee)
    }
