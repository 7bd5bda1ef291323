"""Makes the bundled recording out of a run: text logs, traces, metrics, configuration and the truth beside them."""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.lab.expectations import expected_findings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.model import Scenario
    from tests.lab.truth import GroundTruth

MAX_BYTES = 3_000_000
MAX_FAULT_BYTES = 800_000
DIAGNOSED_METRICS = ("istio_requests_total.json", "upstream_rq_retry.json", "up.json")


class RecordingTooLargeError(ValueError):
    """The recording would be larger than what may be bundled."""


def write_fault_recording(truth: GroundTruth, scenario: Scenario, target: Path) -> int:
    """Replaces `target` with the part of a run that diagnosis reads, and what it has to find; gives its size in bytes.

    Text logs, objects and their changes, and the metrics that tell what logs cannot, all compressed.
    """
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(truth.input / "kubernetes", target / "input" / "kubernetes")
    sources = [
        *sorted((truth.input / "logs-text").glob("*/access.log")),
        *(truth.input / "prometheus" / name for name in DIAGNOSED_METRICS),
    ]
    for source in sources:
        packed = target / source.relative_to(truth.out_dir)
        packed = packed.with_name(f"{packed.name}.gz")
        packed.parent.mkdir(parents=True, exist_ok=True)
        packed.write_bytes(gzip.compress(source.read_bytes(), mtime=0))
    expected = json.dumps(expected_findings(scenario, truth), indent=1)
    (target / "expected_findings.json").write_text(f"{expected}\n", encoding="utf-8")
    return _checked_size(target, MAX_FAULT_BYTES)


def write_recording(truth: GroundTruth, target: Path, command: str) -> int:
    """Replaces `target` with the recording; gives its size in bytes.

    JSON logs and the proxies' own dumps stay behind: text logs record the same requests, and it has to be small.
    Raises RecordingTooLargeError, having written it.
    """
    if target.exists():
        shutil.rmtree(target)
    for part in ("kubernetes", "otlp-traces", "prometheus"):
        if (truth.input / part).exists():
            shutil.copytree(truth.input / part, target / "input" / part)
    for log in sorted((truth.input / "logs-text").glob("*/access.log")):
        packed = target / "input" / "logs-text" / log.parent.name / "access.log.gz"
        packed.parent.mkdir(parents=True)
        packed.write_bytes(gzip.compress(log.read_bytes(), mtime=0))
    shutil.copy(truth.out_dir / "ground_truth.json", target)
    (target / "README.md").write_text(_readme(truth, command), encoding="utf-8")
    return _checked_size(target, MAX_BYTES)


def _checked_size(target: Path, most: int) -> int:
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    if size > most:
        message = f"{target} has {size} bytes, more than {most}: lower the rate or the length"
        raise RecordingTooLargeError(message)
    return size


def _readme(truth: GroundTruth, command: str) -> str:
    document = truth.document
    start, end = _moment(document["start"]), _moment(document["end"])
    windows = "\n".join(_window(fault, start) for fault in document["faults"])
    pods = document["pods"]
    proxies = sum(bool(pod["sidecar"]) for pod in pods)
    calls = sum(edge.count for edge in truth.edges.values())
    return f"""# A recording of a small shop

Made on {start:%Y-%m-%d}, from {start:%H:%M:%S} to {end:%H:%M:%S} UTC (see `docs/lab.md`), by

    {command}

{proxies} real Envoy {document["envoy"]} proxies, one per pod, around small services on loopback addresses;
{calls} calls between services, {document["load"]["requests"]} requests from outside, seed {document["seed"]}.

`input/` is what a user would have: access logs in Istio's default text format (`logs-text/POD/access.log.gz`), OTLP
trace requests (`otlp-traces/`, length-delimited protobuf), answers of a real Prometheus (`prometheus/`, `queries.json`
says which query gave which file) and the Kubernetes and Istio objects (`kubernetes/`). `ground_truth.json` is what the
applications counted; nothing but tests reads it.

What went wrong, in seconds after the start of the recording:

| from | to | fault | what is to be seen |
|---|---|---|---|
{windows}

All along, the VirtualService `catalog` sends `/preview/` to a host that does not exist (503 NC), catalog calls
`inventory`, which has no sidecar, and the frontend calls `telemetry.vendor.example`, which no ServiceEntry registers.
"""


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _window(fault: dict[str, str | float], start: datetime) -> str:
    began, ended = (float(fault[key]) - start.timestamp() for key in ("start", "end"))
    return f"| {began:.0f} | {ended:.0f} | {fault['name']} | {fault['expect']} |"
