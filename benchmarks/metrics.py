"""Expositions against DuckDB and prometheus_client, answers against orjson, each to the same Arrow table."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import orjson  # pyright: ignore[reportMissingImports]  # a peer, installed to be compared with only
import pyarrow as pa
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.result import Result, median_seconds
from pipelines.columns import LABELS, TIMESTAMP
from pipelines.parsers.context import Context
from pipelines.parsers.prometheus_range import parse_prometheus_range
from pipelines.parsers.prometheus_text import parse_prometheus_text

if TYPE_CHECKING:
    from collections.abc import Callable

EXPOSITION_GOAL = 3.0
CLIENT_GOAL = 50.0
RANGE_GOAL = 4.0

_SQL = Path(__file__).with_name("exposition.sql").read_text(encoding="utf-8")
_OBSERVED = Context(observed_us=1_700_000_000_000_000)
_BOUNDS = ("0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "30000", "+Inf")
_CLIENT_LINES = 2_000


def benchmarks() -> list[Result]:
    """The rows of both sides are first found equal."""
    text = exposition()
    answer = matrix()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stats.txt"
        path.write_bytes(text)
        connection = duckdb.connect()
        connection.execute("set threads = 1")

        def by_duckdb() -> pa.Table:
            return connection.sql(_SQL, params={"path": str(path)}).to_arrow_table()

        def ours() -> pa.Table:
            return by_scan(path.read_bytes())

        _check("exposition", ours(), by_duckdb())
        rate = _compare("exposition", "exposition against DuckDB", EXPOSITION_GOAL, ours().num_rows, ours, by_duckdb)
    few = b"".join(text.splitlines(keepends=True)[:_CLIENT_LINES])
    _check("exposition_client", by_scan(few), by_client(few))
    rows = by_scan(few).num_rows
    client = _compare(
        "exposition_client",
        "exposition against prometheus_client",
        CLIENT_GOAL,
        rows,
        lambda: by_scan(few),
        lambda: by_client(few),
    )
    _check("range_json", by_reader(answer), by_orjson(answer))
    samples = by_reader(answer).num_rows
    ranges = _compare(
        "range_json",
        "query_range answer against orjson",
        RANGE_GOAL,
        samples,
        lambda: by_reader(answer),
        lambda: by_orjson(answer),
    )
    return [rate, client, ranges]


def exposition(proxies: int = 12, seed: int = 1) -> bytes:
    """What some sidecars expose: counters and gauges by cluster, and Istio's histograms with their many labels."""
    chosen = random.Random(seed)
    lines: list[str] = []
    clusters = [f"outbound|{8000 + index}||service-{index}.shop.svc.cluster.local" for index in range(40)]
    for proxy in range(proxies):
        for family in range(60):
            name = f"envoy_cluster_upstream_metric_{family}"
            lines.append(f"# TYPE {name} {chosen.choice(('counter', 'gauge'))}")
            lines += (f'{name}{{cluster_name="{cluster}"}} {chosen.randrange(10**6)}' for cluster in clusters)
        lines.append("# TYPE istio_request_duration_milliseconds histogram")
        for peer in range(100):
            labels = _istio_labels(proxy, peer)
            counts = sorted(chosen.randrange(10**5) for _ in _BOUNDS)
            name = "istio_request_duration_milliseconds"
            for bound, count in zip(_BOUNDS, counts, strict=True):
                lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {count}')
            lines.append(f"{name}_sum{{{labels}}} {chosen.random() * 1e6:.17g}")
            lines.append(f"{name}_count{{{labels}}} {counts[-1]}")
    return "\n".join([*lines, ""]).encode()


def _istio_labels(proxy: int, peer: int) -> str:
    labels = {
        "reporter": "source",
        "request_protocol": "http",
        "response_code": str(200 + peer % 3),
        "response_flags": "-",
    }
    for side, number in (("source", proxy), ("destination", peer)):
        workload = f"workload-{number}"
        labels |= {
            f"{side}_workload": workload,
            f"{side}_workload_namespace": "shop",
            f"{side}_principal": f"spiffe://cluster.local/ns/shop/sa/{workload}",
            f"{side}_app": workload,
            f"{side}_version": "v1",
            f"{side}_canonical_service": workload,
            f"{side}_canonical_revision": "v1",
            f"{side}_cluster": "Kubernetes",
        }
    labels["destination_service"] = f"workload-{peer}.shop.svc.cluster.local"
    return ",".join(f'{key}="{value}"' for key, value in labels.items())


def matrix(series: int = 300, points: int = 720, seed: int = 1) -> bytes:
    """An answer to `query_range`: half of the series are counts, half rates with all of their digits."""
    chosen = random.Random(seed)
    result = [
        {
            "metric": {
                "__name__": "istio_requests_total",
                "reporter": "source",
                "source_workload": f"workload-{index % 17}",
                "destination_service": f"service-{index}.shop.svc.cluster.local",
                "response_code": "200",
            },
            "values": [
                [1_700_000_000 + 15 * point, str(chosen.randrange(10**6) if index % 2 else chosen.random() * 1000)]
                for point in range(points)
            ],
        }
        for index in range(series)
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return json.dumps(answer, separators=(",", ":")).encode()


def by_scan(text: bytes) -> pa.Table:
    """An exposition by the product's parser."""
    return pa.concat_tables([parsed.accepted for parsed in parse_prometheus_text(text, 0, _OBSERVED)])


def by_client(text: bytes) -> pa.Table:
    """An exposition by prometheus_client, which gives counters other names."""
    families = text_string_to_metric_families(text.decode())
    samples = [sample for family in families for sample in family.samples]
    columns = {
        "labels": pa.array([[*sample.labels.items()] for sample in samples], LABELS),
        "value": pa.array([float(sample.value) for sample in samples], pa.float64()),
    }
    return pa.table(columns)


def by_reader(answer: bytes) -> pa.Table:
    """An answer by the product's parser."""
    return parse_prometheus_range(answer, 0).accepted


def by_orjson(answer: bytes) -> pa.Table:
    """An answer decoded by orjson, its samples a list comprehension a series and its labels taken once a series."""
    names: list[str] = []
    labels: list[list[tuple[str, str]]] = []
    times: list[float] = []
    values: list[float] = []
    counts: list[int] = []
    for series in orjson.loads(answer)["data"]["result"]:
        names.append(series["metric"].pop("__name__"))
        labels.append([*series["metric"].items()])
        counts.append(len(series["values"]))
        times += [time for time, _ in series["values"]]
        values += [float(value) for _, value in series["values"]]
    owners = pa.array(np.repeat(np.arange(len(counts)), counts))
    microseconds = np.rint(np.array(times, np.float64) * 1e6).astype(np.int64)
    columns = {
        "metric": pa.array(names, pa.string()).take(owners),
        "labels": pa.array(labels, LABELS).take(owners),
        "time": pa.array(microseconds).cast(TIMESTAMP),
        "value": pa.array(values, pa.float64()),
    }
    return pa.table(columns)


def _check(name: str, ours: pa.Table, peer: pa.Table) -> None:
    for column in peer.column_names:
        if ours[column].to_pylist() != peer[column].to_pylist():
            raise RuntimeError(f"{name}: the two sides read different rows, so that their speeds cannot be compared")


def _compare(
    name: str, compared: str, goal: float, samples: int, ours: Callable[[], pa.Table], peer: Callable[[], pa.Table]
) -> Result:
    seconds = median_seconds({"ours": ours, "peer": peer})
    return Result(
        name=name,
        compared=compared,
        ratio=seconds["peer"] / seconds["ours"],
        goal=goal,
        medians={f"{side}_samples_per_second": samples / value for side, value in seconds.items()},
    )
