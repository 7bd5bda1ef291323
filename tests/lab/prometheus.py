"""A real Prometheus beside the lab, and its `query_range` answers at the end."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from typing import TYPE_CHECKING

import httpx

from tests.lab.fleet import LabError
from tests.lab.processes import Process, spawn, terminate
from tests.lab.proxy.bootstrap import ADMIN_PORT
from tests.lab.proxy.stats import STAT_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.model import JsonObject, Scenario
    from tests.lab.placement import Placement
    from tests.lab.proxy.files import LabFiles

PORT = 9090
READY_TIMEOUT_S = 20.0
QUERIES = {
    "istio_requests_total.json": "istio_requests_total",
    "istio_request_duration_bucket.json": (
        "sum by (reporter, source_workload, destination_workload, destination_service_name, le) "
        '(istio_request_duration_milliseconds_bucket{reporter="source"})'
    ),
    "istio_tcp_connections_closed_total.json": "istio_tcp_connections_closed_total",
    "istio_tcp_sent_bytes_total.json": "istio_tcp_sent_bytes_total",
    "istio_tcp_received_bytes_total.json": "istio_tcp_received_bytes_total",
    "upstream_rq_by_code.json": 'envoy_cluster_upstream_rq{cluster_name=~"(in|out)bound.*|Pass.*|Black.*"} > 0',
    "upstream_rq_pending_overflow.json": "envoy_cluster_upstream_rq_pending_overflow > 0",
    "upstream_rq_retry.json": "envoy_cluster_upstream_rq_retry > 0",
    "upstream_rq_timeout.json": "envoy_cluster_upstream_rq_timeout > 0",
    "upstream_cx_connect_fail.json": "envoy_cluster_upstream_cx_connect_fail > 0",
    "up.json": "up",
}


def prometheus_binary() -> str | None:
    """Debian's `prometheus`, or None, said loudly."""
    found = shutil.which("prometheus")
    if found is None:
        sys.stderr.write("LAB: NO PROMETHEUS HERE (apt-get install prometheus): the run has no input/prometheus\n")
    return found


class Prometheus:
    """Scrapes every proxy while it runs."""

    def __init__(self, scenario: Scenario, placement: Placement, files: LabFiles, binary: str) -> None:
        """Nothing is started yet."""
        self._scenario = scenario
        self._placement = placement
        self._files = files
        self._binary = binary
        self._process: Process | None = None
        self.url = f"http://{placement.block.control}:{PORT}"

    async def start(self) -> None:
        """Starts it with a data folder of its own and waits until it is ready. Raises LabError if it is not."""
        folder = self._files.work / "prometheus"
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "prometheus.yml"
        # JSON is YAML.
        configuration.write_text(json.dumps(self._configuration()), encoding="utf-8")
        log = folder / "prometheus.log"
        arguments = [
            self._binary,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self._placement.block.control}:{PORT}",
        ]
        self._process = await spawn(arguments, log)
        deadline = time.monotonic() + READY_TIMEOUT_S
        async with httpx.AsyncClient(timeout=2.0) as client:
            while time.monotonic() < deadline:
                try:
                    if (await client.get(f"{self.url}/-/ready")).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
        message = f"Prometheus is not ready after {READY_TIMEOUT_S} s: {_end_of(log)}"
        raise LabError(message)

    async def dump(self, start: float) -> None:
        """Waits for a last scrape and writes every query's answer from `start` (epoch seconds) until now."""
        await asyncio.sleep(self._scenario.scrape_seconds + 0.3)
        folder, step = self._files.prometheus, self._scenario.query_step_seconds
        folder.mkdir(parents=True, exist_ok=True)
        end = time.time()
        # The last step falls on `end`, so that the last scrape is among the answers.
        first = end - int((end - start) // step) * step
        async with httpx.AsyncClient(timeout=30.0) as client:
            for name, query in QUERIES.items():
                form = {"query": query, "start": f"{first:.3f}", "end": f"{end:.3f}", "step": str(step)}
                answer = (await client.post(f"{self.url}/api/v1/query_range", data=form)).raise_for_status()
                (folder / name).write_bytes(answer.content)
        (folder / "queries.json").write_text(json.dumps(QUERIES, indent=1), encoding="utf-8")

    async def stop(self) -> None:
        """Ends it."""
        if self._process is not None:
            await terminate([self._process])
            self._process = None

    def _configuration(self) -> JsonObject:
        targets: list[JsonObject] = [
            {
                "targets": [f"{pod.pod_ip}:{ADMIN_PORT}"],
                "labels": {
                    "pod": pod.name,
                    "namespace": pod.workload.namespace,
                    "app": pod.workload.app,
                    "version": pod.workload.version,
                },
            }
            for pod in self._placement.proxied
        ]
        interval = f"{self._scenario.scrape_seconds}s"
        job: JsonObject = {
            "job_name": "envoy-stats",
            "metrics_path": "/stats/prometheus",
            "params": {"usedonly": [""]},
            "static_configs": targets,
            "metric_relabel_configs": [
                {
                    "source_labels": ["__name__"],
                    "regex": f"envoy_{STAT_PREFIX}_(.+)",
                    "target_label": "__name__",
                    "replacement": "$1",
                },
                *(_unknown_if_empty(label) for label in _PEER_LABELS),
            ],
        }
        return {"global": {"scrape_interval": interval, "scrape_timeout": "1s"}, "scrape_configs": [job]}


_PEER_FIELDS = (
    "workload",
    "workload_namespace",
    "app",
    "version",
    "canonical_service",
    "canonical_revision",
    "principal",
)
_PEER_LABELS = (
    *(f"{side}_{field}" for side in ("source", "destination") for field in _PEER_FIELDS),
    "destination_service",
    "destination_service_name",
    "destination_service_namespace",
)


def _unknown_if_empty(label: str) -> JsonObject:
    # As Istio writes a peer it knows nothing about. Every Istio metric here has `destination_cluster`, no other does.
    return {
        "source_labels": ["destination_cluster", label],
        "regex": ".+;-?",
        "target_label": label,
        "replacement": "unknown",
    }


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-800:] if log.exists() else "no log"
