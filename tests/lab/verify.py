"""Do the proxies' logs say what the applications counted? Counted plainly, with nothing of the product."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.truth import EdgeKey, GroundTruth

MESH_SUFFIX = "svc.cluster.local"
INTERRUPTED = "interrupted"


@dataclass(slots=True)
class Comparison:
    """Calls counted by applications beside lines written by proxies."""

    counted: Counter[EdgeKey] = field(default_factory=Counter)
    logged: Counter[EdgeKey] = field(default_factory=Counter)
    outcomes_counted: dict[EdgeKey, Counter[str]] = field(default_factory=dict)
    outcomes_logged: dict[EdgeKey, Counter[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.problems

    def table(self) -> str:
        """One line an edge, and the problems."""
        keys = sorted({*self.counted, *self.logged})
        lines = [
            f"{caller} -> {callee} ({protocol}): {self.counted[caller, callee, protocol]} called, "
            f"{self.logged[caller, callee, protocol]} logged"
            for caller, callee, protocol in keys
        ]
        return "\n".join([*lines, *(f"PROBLEM {problem}" for problem in self.problems)]) + "\n"


def json_lines(truth: GroundTruth, pod: str) -> Iterator[dict[str, Any]]:
    """A proxy's JSON access log. Values are Envoy's: strings, numbers or null."""
    path = truth.input / "logs-json" / pod / "access.json.log.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def verify(truth: GroundTruth) -> Comparison:
    """Compares outbound lines with calls, inbound answers with requests served, gateway lines with the load."""
    result = Comparison()
    for key, edge in truth.edges.items():
        result.counted[key] = edge.count
        result.outcomes_counted[key] = Counter(edge.outcomes)
    document = truth.document
    gateway_statuses: Counter[str] = Counter()
    answered: dict[str, Counter[str]] = {}
    for pod in document["pods"]:
        if not pod["sidecar"]:
            continue
        for line in json_lines(truth, pod["pod"]):
            address = line["downstream_local_address"].rpartition(":")[0]
            if pod["service"] is None:
                gateway_statuses[str(line["response_code"])] += 1
            elif address == pod["outbound_ip"]:
                _count_outbound(result, pod, line)
            elif address == pod["pod_ip"]:
                answered.setdefault(pod["workload"], Counter())[_inbound_status(line)] += 1
            else:
                result.problems.append(f"{pod['pod']}: neither inbound nor outbound: {line}")
    _compare(result, document, gateway_statuses, answered)
    return result


def _inbound_status(line: dict[str, Any]) -> str:
    """The status the application gave, as far as the proxy knows."""
    if line["method"] is None:
        return "200" if line["response_flags"] == "-" else INTERRUPTED
    return str(line["response_code"]) if line["response_code_details"] == "via_upstream" else INTERRUPTED


def _count_outbound(result: Comparison, pod: dict[str, Any], line: dict[str, Any]) -> None:
    tcp = line["method"] is None
    if tcp:
        host, outcome = line["upstream_cluster"].split("|")[3], "200" if line["response_flags"] == "-" else "error"
    else:
        host, outcome = _full_host(line["authority"], pod["namespace"]), str(line["response_code"])
    key = (pod["workload"], host, "tcp" if tcp else "http")
    result.logged[key] += 1
    result.outcomes_logged.setdefault(key, Counter())[outcome] += 1


def _full_host(authority: str, namespace: str) -> str:
    name, _, _ = authority.partition(":")
    parts = name.split(".")
    if parts[-1] == "example":
        return name
    return f"{parts[0]}.{parts[1] if len(parts) > 1 else namespace}.{MESH_SUFFIX}"


def _compare(
    result: Comparison, document: dict[str, Any], gateway_statuses: Counter[str], answered: dict[str, Counter[str]]
) -> None:
    for key in sorted({*result.counted, *result.logged}):
        counted, logged = result.outcomes_counted.get(key, Counter()), result.outcomes_logged.get(key, Counter())
        if counted != logged:
            result.problems.append(f"{key}: applications counted {dict(counted)}, proxies logged {dict(logged)}")
    sent = Counter(document["load"]["statuses"])
    if sent != gateway_statuses:
        result.problems.append(f"gateway: {dict(sent)} sent, {dict(gateway_statuses)} logged")
    for workload, statuses in answered.items():
        served = Counter(document["served"].get(workload, {}).get("statuses", {}))
        # A caller that gave up, or a reset, leaves a request that was served under another status than it was logged.
        interrupted = statuses.pop(INTERRUPTED, 0)
        if statuses - served or (served - statuses).total() > interrupted:
            lines = f"{dict(statuses)} and {interrupted} interrupted"
            result.problems.append(f"{workload}: {dict(served)} served, inbound lines {lines}")
