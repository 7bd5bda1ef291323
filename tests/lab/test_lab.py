"""The lab tells the truth: what its applications counted is what its proxies wrote."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
import yaml
from google.protobuf.proto import parse_length_prefixed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.lab import SMOKE, BackgroundLab, Behaviour, Fault, GroundTruth, LabError, run_lab, verify
from tests.lab.fleet import Fleet, envoy_binary
from tests.lab.placement import place, reserved_block
from tests.lab.proxy.certificates import write_certificates
from tests.lab.proxy.files import LabFiles
from tests.lab.scenarios import SHOP_SCENARIO
from tests.lab.sink import varint
from tests.lab.verify import json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span


def own_envoys() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.name() in {"envoy", "prometheus"}]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> GroundTruth:
    return run_lab(SMOKE, tmp_path_factory.mktemp("smoke"))


def spans(truth: GroundTruth) -> Iterator[tuple[str, Span]]:
    """Service name and span of every span received."""
    data = gzip.decompress((truth.input / "otlp-traces" / "otlp_traces.binpb.gz").read_bytes())
    stream = io.BytesIO(data)
    while (request := parse_length_prefixed(ExportTraceServiceRequest, stream)) is not None:
        for resource in request.resource_spans:
            names = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
            for scope in resource.scope_spans:
                yield from ((names[0], span) for span in scope.spans)


def test_varints_are_protobufs() -> None:
    assert [varint(n) for n in (0, 127, 128, 300)] == [b"\x00", b"\x7f", b"\x80\x01", b"\xac\x02"]


def test_blocks_are_held_by_one_lab_at_a_time() -> None:
    with reserved_block() as first, reserved_block() as second:
        assert first != second


def test_pods_have_addresses_of_their_own() -> None:
    with reserved_block() as block:
        placement = place(SHOP_SCENARIO.mesh, block, seed=1)
    listening = [address for pod in placement.pods for address in {pod.pod_ip, pod.app_ip, pod.outbound_ip}]
    assert len(listening) == len(set(listening))
    assert len(placement.proxied) == 11
    assert place(SHOP_SCENARIO.mesh, block, seed=1) == placement


@pytest.mark.lab
def test_envoy_accepts_every_bootstrap(tmp_path: Path) -> None:
    files, mesh = LabFiles(tmp_path), SHOP_SCENARIO.mesh
    with reserved_block() as block:
        placement = place(mesh, block, seed=2)
        write_certificates(mesh.workloads, files)
        fleet = Fleet(mesh, placement, files)
        fleet.write_configurations()
        for pod in placement.proxied:
            command = [str(envoy_binary()), "--mode", "validate", "-c", str(fleet.configuration(pod))]
            checked = subprocess.run(command, capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stderr


@pytest.mark.lab
def test_logs_say_what_applications_counted(smoke: GroundTruth) -> None:
    result = verify(smoke)
    assert result.problems == []
    assert sum(result.counted.values()) > 300
    assert {"tcp", "http"} == {protocol for _, _, protocol in smoke.edges}


@pytest.mark.lab
def test_verify_notices_a_lost_line(smoke: GroundTruth, tmp_path: Path) -> None:
    shutil.copytree(smoke.out_dir, tmp_path / "run")
    copy = GroundTruth.read(tmp_path / "run")
    log = next((copy.input / "logs-json").glob("catalog-*/access.json.log.gz"))
    lines = gzip.decompress(log.read_bytes()).splitlines(keepends=True)
    log.write_bytes(gzip.compress(b"".join(lines[:-1])))
    assert not verify(copy).agrees


@pytest.mark.lab
def test_text_and_json_logs_record_the_same_requests(smoke: GroundTruth) -> None:
    for pod in (pod["pod"] for pod in smoke.document["pods"] if pod["sidecar"]):
        text = (smoke.input / "logs-text" / pod / "access.log").read_bytes().splitlines()
        assert len(text) == sum(1 for _ in json_lines(smoke, pod)) > 0


@pytest.mark.lab
def test_the_fault_fails_the_calls_it_should_and_no_proxy(smoke: GroundTruth) -> None:
    (fault,) = smoke.document["faults"]
    failed = {(edge["from"], edge["to"]): edge["outcomes"] for edge in fault["failed_edges"]}
    assert failed["frontend-v1", "reviews.shop.svc.cluster.local"]["503"] > 3
    # The path to the missing cluster fails all along; nothing else may.
    assert set(failed) <= {
        ("frontend-v1", "reviews.shop.svc.cluster.local"),
        ("frontend-v1", "catalog.shop.svc.cluster.local"),
    }


@pytest.mark.lab
def test_the_dangling_route_answers_as_envoy_does(smoke: GroundTruth) -> None:
    frontends = [pod["pod"] for pod in smoke.document["pods"] if pod["workload"] == "frontend-v1"]
    lines = [line for pod in frontends for line in json_lines(smoke, pod) if line["response_flags"] == "NC"]
    assert lines
    assert {(line["response_code"], line["response_code_details"]) for line in lines} == {(503, "cluster_not_found")}
    objects = yaml.safe_load((smoke.input / "kubernetes" / "objects.yaml").read_text(encoding="utf-8"))["items"]
    services = {f"{o['metadata']['name']}.{o['metadata']['namespace']}" for o in objects if o["kind"] == "Service"}
    routed = json.dumps([o for o in objects if o["kind"] == "VirtualService"])
    assert "catalog-next.shop.svc.cluster.local" in routed
    assert "catalog-next.shop" not in services


@pytest.mark.lab
def test_spans_say_what_applications_counted(smoke: GroundTruth) -> None:
    calls = Counter(
        service for service, span in spans(smoke) if span.kind == 3 and service != "istio-ingressgateway.istio-system"
    )
    counted: Counter[str] = Counter()
    for edge in smoke.edges.values():
        if edge.protocol == "http":
            counted[f"{edge.caller.rpartition('-')[0]}.shop"] += edge.count
    assert calls == counted


@pytest.mark.lab
def test_prometheus_ends_with_what_applications_counted(smoke: GroundTruth) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus on this machine (apt-get install prometheus)")
    answer = json.loads((smoke.input / "prometheus" / "istio_requests_total.json").read_text(encoding="utf-8"))
    totals: Counter[str] = Counter()
    for series in answer["data"]["result"]:
        if series["metric"]["reporter"] == "source":
            totals[series["metric"]["source_workload"]] += int(series["values"][-1][1])
    counted = Counter({"istio-ingressgateway": smoke.document["load"]["requests"]})
    for edge in smoke.edges.values():
        counted[edge.caller] += edge.count if edge.protocol == "http" else 0
    assert totals == +counted


@pytest.mark.lab
def test_load_runs_beside_a_test_and_everything_ends(tmp_path: Path) -> None:
    outage = Fault("catalog-stopped", "catalog-v1", Behaviour(stopped=True), seconds=1.5)
    with BackgroundLab(SMOKE, tmp_path / "run") as lab:
        assert len(own_envoys()) >= 8
        lab.load_for(5)
        time.sleep(2)
        before = lab.calls()
        lab.rotate_logs()
        lab.inject(outage)
        if lab.started.prometheus_url is not None:
            assert httpx.get(f"{lab.started.prometheus_url}/-/ready").status_code == 200
        lab.wait()
        assert lab.calls() > before > 0
        truth = lab.stop()
    assert own_envoys() == []
    assert verify(truth).problems == []
    (window,) = truth.document["faults"]
    assert {"frontend-v1"} == {edge["from"] for edge in window["failed_edges"]}
    rotated = list((truth.input / "logs-text").glob("frontend-*/access.log.1"))
    assert len(rotated) == 2
    refused = [line for line in json_lines(truth, _pod(truth, "catalog-v1")) if line["response_flags"] == "UF"]
    assert refused


@pytest.mark.lab
def test_everything_ends_when_a_test_fails(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no application 'nobody'"), BackgroundLab(SMOKE, tmp_path / "run") as lab:
        fail_under_load(lab)
    assert own_envoys() == []


def fail_under_load(lab: BackgroundLab) -> None:
    lab.load_for(30)
    lab.inject(Fault("nothing", "nobody", Behaviour()))
    lab.wait()


def _pod(truth: GroundTruth, workload: str) -> str:
    return next(str(pod["pod"]) for pod in truth.document["pods"] if pod["workload"] == workload)
