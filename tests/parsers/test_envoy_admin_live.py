"""What a real Envoy answers on its admin port."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from pipelines.inputs.recognise import recognise
from pipelines.parsers.envoy_clusters import parse_clusters
from pipelines.parsers.envoy_config_dump import parse_config_dump
from pipelines.parsers.envoy_server_info import parse_server_info
from tests.parsers.admin_pages import Json, read

if TYPE_CHECKING:
    from collections.abc import Iterator


ENVOY = """
node: {id: "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local", cluster: web.shop}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}
static_resources:
  clusters:
  - name: outbound|80||cart.shop.svc.cluster.local
    type: STATIC
    connect_timeout: 1s
    health_checks:
    - {timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {}}
    outlier_detection: {}
    load_assignment:
      cluster_name: x
      endpoints:
      - locality: {region: r, zone: z}
        lb_endpoints:
        - endpoint: {hostname: h, address: {socket_address: {address: 127.0.0.1, port_value: 1}}}
        - endpoint: {address: {socket_address: {address: "::1", port_value: 8080}}}
        - endpoint: {address: {pipe: {path: /tmp/x.sock}}}
  - {name: empty, type: STATIC, connect_timeout: 1s}
  secrets:
  - {name: own, generic_secret: {secret: {inline_string: hunter2}}}
"""


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Envoy's admin pages."""
    packaged = pytest.importorskip("envoy")
    folder = tmp_path_factory.mktemp("envoy")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    (folder / "envoy.yaml").write_text(ENVOY % port)
    binary = shutil.which("envoy") or str(packaged.get_envoy_path())
    command = [binary, "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "--use-dynamic-base-id", "-l", "error"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/ready", timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    pytest.fail("Envoy did not come up")


@pytest.mark.slow
def test_what_a_real_envoy_answers(envoy: str) -> None:
    pages = {
        page: httpx.get(f"{envoy}/{page}", timeout=10).content
        for page in ("clusters", "clusters?format=json", "server_info", "config_dump?include_eds")
    }
    formats = [recognise(content, "/dumps/page", is_whole=True).format for content in pages.values()]
    assert formats == ["envoy_clusters", "envoy_clusters", "envoy_server_info", "envoy_config_dump"]
    text, rejects = read(parse_clusters, pages["clusters"])
    as_json, more = read(parse_clusters, pages["clusters?format=json"])
    assert not rejects + more
    assert [state(row) for row in text] == [state(row) for row in as_json]
    dumped, rejects = read(parse_config_dump, pages["config_dump?include_eds"])
    assert not rejects
    found = {(row["section"], row["name"]) for row in dumped}
    assert {("cluster", "empty"), ("bootstrap", None), ("secret", "own")} <= found
    assert "hunter2" not in str(dumped)
    [info], rejects = read(parse_server_info, pages["server_info"])
    assert not rejects
    assert {(row["reporter_namespace"], row["reporter_pod"]) for row in [info, *dumped]} == {("shop", "web-1")}


def state(row: Json) -> tuple[str, str, Json]:
    """A row of /clusters without what the moment decides: order and counts of statistics."""
    value = json.loads(row["state_json"])
    value["stats"] = sorted((stat["name"], stat.get("type")) for stat in value.get("stats", []))
    return row["section"], row["name"], value
