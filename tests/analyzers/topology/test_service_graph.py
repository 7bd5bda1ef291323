from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from analyzers.framework.analyzer import Options
from analyzers.topology.service_graph import NoTelemetryError, run, service_graph
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.support.rows import START, access_log, pod, sample, service, span

if TYPE_CHECKING:
    from pathlib import Path

HOST = "cart.shop.svc.cluster.local"


@pytest.fixture
def lake(tmp_path: Path) -> str:
    uri = str(tmp_path / "lake")
    objects = [
        pod("shop", "web-1", "web", "10.0.0.1"),
        pod("shop", "cart-1", "cart", "10.0.0.2"),
        service("shop", "cart", 80),
    ]
    lines = [
        access_log("logs/web-1/access.log", offset, upstream_cluster=f"outbound|80||{HOST}", response_code=code)
        for offset, code in enumerate([200, 200, 503, 200])
    ]
    lines.append(
        access_log("logs/web-1/access.log", 9, upstream_cluster="PassthroughCluster", authority="api.example:443")
    )
    spans = [span(f"{index:032x}", "web-1", "shop", f"outbound|80||{HOST}") for index in range(2)]
    labels = {
        "reporter": "source",
        "source_workload": "web",
        "source_workload_namespace": "shop",
        "response_code": "200",
    }
    samples = [
        sample("istio_requests_total", labels | {"destination_service": HOST}, second, 4.0 * second)
        for second in (0, 1)
    ] + [
        sample(
            "istio_requests_total", labels | {"destination_service": "ads.shop.svc.cluster.local"}, second, 9.0 * second
        )
        for second in (0, 1)
    ]
    Lake.open(uri, create=True).append(
        "ingest",
        {
            "mesh_objects": objects[0].table(objects),
            "access_logs": lines[0].table(lines),
            "spans": spans[0].table(spans),
            "metric_samples": samples[0].table(samples),
        },
    )
    return uri


def test_logs_give_calls_errors_and_kinds(lake: str) -> None:
    with open_session(lake) as session:
        graph = service_graph(session, "logs", Options())
    edges = {(edge.caller, edge.callee): edge for edge in graph.edges}
    assert set(edges) == {("web", HOST), ("web", "api.example")}
    cart = edges["web", HOST]
    assert (cart.calls, cart.errors, cart.error_rate, cart.callee_kind) == (4, 1, 0.25, "service")
    assert edges["web", "api.example"].callee_kind == "external"
    nodes = {node.name: node for node in graph.nodes}
    assert (nodes[HOST].calls_in, nodes[HOST].errors_in, nodes["web"].calls_out) == (4, 1, 5)


def test_every_source_draws_its_own_graph(lake: str) -> None:
    with open_session(lake) as session:
        calls = {
            source: {edge.callee: edge.calls for edge in service_graph(session, source, Options()).edges}
            for source in ("logs", "traces", "metrics")
        }
    assert calls["traces"] == {HOST: 2}
    assert calls["metrics"] == {HOST: 4, "ads.shop.svc.cluster.local": 9}
    assert calls["logs"][HOST] == 4


def test_an_edge_that_only_metrics_know_is_reported(lake: str) -> None:
    with open_session(lake) as session:
        findings = list(run(session, Options()))
    by_subject = {finding.subject: finding for finding in findings}
    assert by_subject["web -> ads.shop.svc.cluster.local"].code == "ML0301"
    assert f"web -> {HOST}" not in by_subject
    assert all(finding.severity == "info" for finding in findings)


def test_a_namespace_that_nothing_touches_has_no_edges(lake: str) -> None:
    with open_session(lake) as session:
        assert service_graph(session, "logs", Options(namespaces=("elsewhere",))).edges == ()


def test_a_source_without_rows_says_what_to_do(tmp_path: Path) -> None:
    uri = str(tmp_path / "lake")
    Lake.open(uri, create=True)
    with open_session(uri) as session, pytest.raises(NoTelemetryError, match="meshlens ingest"):
        service_graph(session, None, Options())


def test_lines_of_a_rotated_log_share_offsets_and_stay_calls_of_their_own(tmp_path: Path) -> None:
    uri = str(tmp_path / "lake")
    objects = [
        pod("shop", "web-1", "web", "10.0.0.1"),
        pod("shop", "cart-1", "cart", "10.0.0.2"),
        service("shop", "cart", 80),
    ]
    lines = []
    for minute in range(2):
        seen: dict[str, Any] = {"at": START + timedelta(minutes=minute), "request_id": f"request-{minute}"}
        hop = f"outbound_.80_._.{HOST}"
        lines += [
            access_log("logs/web-1/access.log", 0, upstream_cluster=f"outbound|80||{HOST}", **seen),
            access_log("logs/cart-1/access.log", 0, upstream_cluster="inbound|80||", requested_server_name=hop, **seen),
        ]
    tables = {"mesh_objects": objects[0].table(objects), "access_logs": lines[0].table(lines)}
    Lake.open(uri, create=True).append("ingest", tables)
    with open_session(uri) as session:
        (edge,) = service_graph(session, "logs", Options()).edges
        assert edge.calls == 2
        assert session.query("calls").column("reporter").to_pylist() == ["both", "both"]
