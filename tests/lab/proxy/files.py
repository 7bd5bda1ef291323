"""Where a proxy finds its certificates and writes its logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.model import Pod, Workload


@dataclass(frozen=True, slots=True)
class LabFiles:
    """Folders of one run: `input` is what a user would have, `work` is the lab's own and goes away."""

    out_dir: Path

    @property
    def input(self) -> Path:
        """What a user would have."""
        return self.out_dir / "input"

    @property
    def work(self) -> Path:
        """Certificates, bootstraps, Envoys' own logs, Prometheus' data."""
        return self.out_dir / "work"

    def text_log(self, pod: Pod) -> Path:
        """The proxy's access log in Istio's default text format."""
        return self.input / "logs-text" / pod.name / "access.log"

    def json_log(self, pod: Pod) -> Path:
        """The same requests as JSON lines; compressed to `.gz` when the run ends."""
        return self.input / "logs-json" / pod.name / "access.json.log"

    @property
    def traces(self) -> Path:
        """Varint-length-delimited ExportTraceServiceRequests; compressed to `.gz` when the run ends."""
        return self.input / "otlp-traces" / "otlp_traces.binpb"

    @property
    def prometheus(self) -> Path:
        """`query_range` answers and `queries.json`."""
        return self.input / "prometheus"

    @property
    def kubernetes(self) -> Path:
        """`objects.yaml` and `watch.jsonl`."""
        return self.input / "kubernetes"

    def proxy(self, pod: Pod) -> Path:
        """The proxy's config_dump, clusters and own log."""
        return self.input / "proxies" / pod.name

    @property
    def authority_certificate(self) -> Path:
        """The mesh's root certificate."""
        return self.work / "certs" / "ca.crt"

    def certificate(self, workload: Workload) -> Path:
        """The workload's certificate; shared by all pods of a service account."""
        return self.work / "certs" / f"{workload.service_account}.{workload.namespace}.crt"

    def private_key(self, workload: Workload) -> Path:
        """The key of the workload's certificate."""
        return self.certificate(workload).with_suffix(".key")
