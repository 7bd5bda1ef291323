"""Every check of configuration over a generated cluster, from its file to its findings, in a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.generated_mesh import generate_mesh
from benchmarks.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL_PODS: Final = 1_000
LARGE_PODS: Final = 10_000
RUNS: Final = 5
LIMIT_SECONDS: Final = 5.0
LIMIT_MEGABYTES: Final = 1000.0

_CHILD: Final = """
import json, resource, sys, time
from analyzers.framework.analyzer import Options
from analyzers.framework.registry import load_family
from meshlens.diagnose_input import diagnose_paths
load_family("diagnosis")
begun = time.perf_counter()
report, _ = diagnose_paths([sys.argv[1]], None, Options(), ())
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(json.dumps({"seconds": seconds, "megabytes": peak, "findings": len(report.findings)}))
"""


def benchmarks() -> Iterator[Result]:
    """Time and memory at 10,000 pods against their limits, and time a pod at 1,000 against that at 10,000."""
    with tempfile.TemporaryDirectory() as folder:
        files: dict[int, Path] = {}
        for pods in (SMALL_PODS, LARGE_PODS):
            files[pods] = Path(folder, f"{pods}.jsonl")
            files[pods].write_bytes(generate_mesh(pods))
        told = {pods: [_diagnose(file) for _ in range(RUNS)] for pods, file in files.items()}
    seconds = {pods: statistics.median(run["seconds"] for run in runs) for pods, runs in told.items()}
    megabytes = statistics.median(run["megabytes"] for run in told[LARGE_PODS])
    findings = told[LARGE_PODS][0]["findings"]
    if not findings:
        raise AssertionError("the generated cluster has faults, and none was found")
    measured = {"seconds": seconds[LARGE_PODS], "megabytes": megabytes, "findings": findings}
    yield Result(
        "configuration",
        f"{LARGE_PODS:,} pods against {LIMIT_SECONDS:.0f} s",
        LIMIT_SECONDS / seconds[LARGE_PODS],
        1,
        measured,
    )
    yield Result("configuration_memory", f"{LARGE_PODS:,} pods against 1 GB", LIMIT_MEGABYTES / megabytes, 1, measured)
    yield Result(
        "configuration_growth",
        f"seconds a pod at {SMALL_PODS:,} pods against {LARGE_PODS:,}",
        (seconds[SMALL_PODS] / SMALL_PODS) / (seconds[LARGE_PODS] / LARGE_PODS),
        0.9,
        {f"{pods}_pods_seconds": value for pods, value in seconds.items()},
    )


def _diagnose(file: Path) -> dict[str, float]:
    finished = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _CHILD, str(file)], capture_output=True, text=True, check=True, timeout=600
    )
    measured: dict[str, float] = json.loads(finished.stdout)
    return measured
