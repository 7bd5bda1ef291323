"""What the fuzzer damages: records of the bundled recording, and small ones of what it does not hold."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import lz4.frame
import numpy as np
import zstandard
from google.protobuf import json_format
from google.protobuf.internal.encoder import _VarintBytes  # type: ignore[attr-defined] # nothing public writes varints
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from pipelines.parsers.delimited import frames
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.yaml_documents import document_bounds

RECORDING: Final = Path(__file__).parents[1] / "demo" / "recording" / "input"
_MOST: Final = 200
_LONGEST: Final = 8_000
_JSON_NAMES: Final = {"duration_ms": "duration", "upstream_service_time_ms": "upstream_service_time"}


def text_lines() -> list[bytes]:
    """Lines of the recorded text logs, of every proxy some."""
    files = sorted((RECORDING / "logs-text").glob("*/access.log.gz"))
    return [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines(keepends=True)[:20]]


def json_lines() -> list[bytes]:
    """The same requests as Istio's JSON."""
    rows = parse_istio_text(b"".join(text_lines()), 0).accepted.drop_columns(["source_offset", "attributes"])
    return [
        json.dumps({_JSON_NAMES.get(name, name): value for name, value in row.items()}, default=_iso).encode() + b"\n"
        for row in rows.to_pylist()
    ]


def _iso(value: object) -> str:
    return str(value).replace(" ", "T").replace("+00:00", "Z")


def _otlp(kind: str, records: str, record: object) -> bytes:
    attribute = {"key": "k8s.pod.name", "value": {"stringValue": "cart-1"}}
    scopes = [{"scope": {"name": "s"}, records: [record]}]
    request = {f"resource{kind}": [{"resource": {"attributes": [attribute]}, f"scope{kind}": scopes}]}
    return json.dumps(request).encode() + b"\n"


def _log_records() -> list[bytes]:
    attributes = [{"key": "response_code", "value": {"stringValue": "200"}}]
    record = {"timeUnixNano": "1795385106086609000", "attributes": attributes}
    bodies = [line.decode("latin-1") for line in text_lines()[:40]]
    return [_otlp("Logs", "logRecords", record | {"body": {"stringValue": body}}) for body in bodies]


def _metric_requests() -> list[bytes]:
    point = {"timeUnixNano": "1795385106086609000", "startTimeUnixNano": "1795385106086609000"}
    histogram = {"count": "3", "sum": 4.5, "bucketCounts": ["1", "1", "1"], "explicitBounds": [1, 5]}
    exponential = {
        "count": "3",
        "sum": 4.5,
        "scale": 3,
        "zeroCount": "1",
        "positive": {"offset": 1, "bucketCounts": ["2"]},
    }
    return [
        _otlp("Metrics", "metrics", {"name": "m", **metric})
        for metric in (
            {"gauge": {"dataPoints": [point | {"asDouble": 1.5}]}},
            {"sum": {"dataPoints": [point | {"asInt": "7"}], "isMonotonic": True, "aggregationTemporality": 2}},
            {"histogram": {"dataPoints": [point | histogram], "aggregationTemporality": 2}},
            {"exponentialHistogram": {"dataPoints": [point | exponential], "aggregationTemporality": 1}},
        )
    ]


def _delimited(message: bytes) -> bytes:
    return bytes(_VarintBytes(len(message))) + message


def _otlp_logs() -> list[bytes]:
    found = [json_format.Parse(line, ExportLogsServiceRequest()).SerializeToString() for line in _log_records()]
    return [_delimited(message) for message in found]


def _otlp_metrics() -> list[bytes]:
    found = [json_format.Parse(line, ExportMetricsServiceRequest()).SerializeToString() for line in _metric_requests()]
    return [_delimited(message) for message in found]


def _otlp_traces() -> list[bytes]:
    data = gzip.decompress((RECORDING / "otlp-traces" / "otlp_traces.binpb.gz").read_bytes())[: 4 << 20]
    found = [data[frame.offset : frame.end] for frame in frames(data)]
    return [frame for frame in found if len(frame) < _LONGEST][:_MOST]


def _range_answers() -> list[bytes]:
    found: list[bytes] = []
    for file in sorted((RECORDING / "prometheus").glob("*.json")):
        answer = json.loads(file.read_bytes())
        series = answer["data"]["result"][:3] if "data" in answer else []
        for entry in series:
            entry["values"] = entry["values"][:8]
            entry["metric"]["__name__"] = "m"
        found.append(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}).encode())
    return found


def _objects() -> list[bytes]:
    data = (RECORDING / "kubernetes" / "objects.yaml").read_bytes()
    return [data[start:end] for start, end in document_bounds(data) if end - start < _LONGEST][:_MOST]


def _watch() -> list[bytes]:
    lines = (RECORDING / "kubernetes" / "watch.jsonl").read_bytes().splitlines(keepends=True)
    return [line for line in lines if len(line) < _LONGEST][:_MOST]


def _documents_of(lines: list[bytes]) -> list[bytes]:
    return [json.dumps(json.loads(line)["object"], indent=1).encode() for line in lines]


def _small_records() -> dict[str, list[bytes]]:
    """One or two records of each format that the recording does not hold."""
    by_format = json.loads(Path(__file__).with_name("fuzz_records.json").read_bytes())
    return {
        name: [(value if isinstance(value, str) else json.dumps(value)).encode() + b"\n" for value in values]
        for name, values in by_format.items()
    }


def format_seeds() -> dict[str, list[bytes]]:
    """Records by the name of their format."""
    watch = _watch()
    return {
        "istio_text": text_lines(),
        "istio_json": json_lines(),
        "otlp_logs": _otlp_logs(),
        "otlp_logs_json": _log_records(),
        "otlp_metrics": _otlp_metrics(),
        "otlp_metrics_json": _metric_requests(),
        "otlp_traces": _otlp_traces(),
        "prometheus_range": _range_answers(),
        "kubernetes_yaml": _objects(),
        "kubernetes_json": _documents_of(watch),
        "kubernetes_watch": watch,
        **_small_records(),
    }


def container_seeds() -> list[bytes]:
    """Files in every container: compressed, archives, and both."""
    log = b"".join(text_lines()[:40])
    tar, zipped = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name in ("a/access.log", "b/access.log"):
            entry = tarfile.TarInfo(name)
            entry.size = len(log)
            archive.addfile(entry, io.BytesIO(log))
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("access.log", log)
    return [
        gzip.compress(log, mtime=0),
        gzip.compress(log[:99], mtime=0) + gzip.compress(log, mtime=0),
        zstandard.ZstdCompressor().compress(log),
        lz4.frame.compress(log),
        bz2.compress(log),
        lzma.compress(log),
        tar.getvalue(),
        gzip.compress(tar.getvalue(), mtime=0),
        zipped.getvalue(),
    ]


def some_of(seeds: list[bytes], count: int) -> list[bytes]:
    """Some of the seeds, spread over all of them."""
    return [seeds[at] for at in np.linspace(0, len(seeds) - 1, min(count, len(seeds)), dtype=int)]
