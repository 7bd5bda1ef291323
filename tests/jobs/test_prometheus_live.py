"""A real Prometheus server, scraping a small exporter, read live."""

from __future__ import annotations

import http.server
import shutil
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from pipelines.inputs.errors import InputError
from pipelines.inputs.options import InputOptions
from pipelines.jobs.ingest import IngestOptions, run_ingest
from pipelines.lake.session import open_session
from pipelines.sources.prometheus_live import Period

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

LABELS = 'reporter="source",source_workload="web",source_workload_namespace="shop",response_code="200"'


class Exporter(http.server.BaseHTTPRequestHandler):
    """Counts its own scrapes as requests from web to cart."""

    scrapes = 0

    def do_GET(self) -> None:
        type(self).scrapes += 1
        body = f'istio_requests_total{{{LABELS},destination_service="cart.shop.svc.cluster.local"}} {self.scrapes}\n'
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that has scraped a few times."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    exporter = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        "scrape_configs: [{job_name: mesh, static_configs: "
        f"[{{targets: ['127.0.0.1:{exporter.server_address[1]}']}}]}}]\n"
    )
    address = f"127.0.0.1:{free_port()}"
    command = [
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_samples(f"http://{address}")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=20)
            exporter.shutdown()
            exporter.server_close()


def wait_for_samples(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(f"{address}/api/v1/query", params={"query": "istio_requests_total >= 5"}, timeout=5)
            if answer.json().get("data", {}).get("result"):
                return
        except (httpx.HTTPError, ValueError):
            pass
        time.sleep(0.3)
    pytest.fail("Prometheus did not come up")


def options(since_s: int, until_s: int) -> IngestOptions:
    return IngestOptions(inputs=InputOptions(queries=("istio_requests_total",)), period=Period(since_s, until_s, 1))


def test_samples_are_read_once_however_often_the_period_is_asked_for(prometheus: str, tmp_path: Path) -> None:
    lake, now = str(tmp_path / "lake"), int(time.time())
    first = run_ingest([prometheus], lake, options(now - 60, now - 1))
    again = run_ingest([prometheus], lake, options(now - 60, now - 1))
    time.sleep(3)
    later = run_ingest([prometheus], lake, options(now - 60, now + 1))
    assert first.accepted >= 3
    assert (again.run_id, again.read) == (None, 0)
    assert later.accepted == 2, "the two seconds that were new"
    with open_session(lake) as session:
        rows = session.query("metric_samples").to_pylist()
        edges = session.query("edges_from_metrics").to_pylist()
    assert {row["metric"] for row in rows} == {"istio_requests_total"}
    assert {row["format"] for row in rows} == {"prometheus_live"}
    assert len({row["time"] for row in rows}) == len(rows) == first.accepted + later.accepted
    assert [(edge["caller"], edge["callee"]) for edge in edges] == [("web", "cart.shop.svc.cluster.local")]


def test_a_query_that_the_server_refuses_names_it_and_adds_nothing(prometheus: str, tmp_path: Path) -> None:
    now = int(time.time())
    refused = IngestOptions(inputs=InputOptions(queries=("sum by (",)), period=Period(now - 60, now, 1))
    with pytest.raises(InputError, match=r"sum by \("):
        run_ingest([prometheus], str(tmp_path / "lake"), refused)


def test_a_server_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    now = int(time.time())
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(InputError, match="check the address"):
        run_ingest([address], str(tmp_path / "lake"), options(now - 60, now))


def test_credentials_in_the_address_are_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        run_ingest(["http://somebody:secret-word@127.0.0.1:9090"], str(tmp_path / "lake"))
    assert "secret-word" not in str(caught.value)
    assert "MESHLENS_PROMETHEUS_TOKEN" in str(caught.value)
