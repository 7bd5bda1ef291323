"""What a workload's proxies were told to log. What is not logged may still be called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analyzers.scoping.configuration import items, mapping, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.scoping.configuration import Configuration, MeshObject
    from analyzers.scoping.workloads import Workload

LoggingState = Literal["full", "filtered", "disabled", "sampled"]
_WORST = ("full", "sampled", "filtered", "disabled")


@dataclass(frozen=True, slots=True)
class AccessLogging:
    """What outbound calls leave in the log. `because` names the object; `share` is the part that is sampled."""

    state: LoggingState
    because: str = ""
    share: float | None = None


def access_logging(configuration: Configuration, workload: Workload) -> AccessLogging:
    """The worst that applies to any of the workload's pods."""
    found = [_of_pod(configuration, workload.namespace, labels) for labels in workload.label_sets]
    return max(found, key=lambda logging: _WORST.index(logging.state), default=AccessLogging("full"))


def _of_pod(configuration: Configuration, namespace: str, labels: Mapping[str, str]) -> AccessLogging:
    logging = AccessLogging("full")
    for telemetry in configuration.applying("Telemetry", namespace, labels):
        for rule in map(mapping, items(telemetry.spec.get("accessLogging"))):
            # The narrower Telemetry overrides the wider one; a rule about the server side leaves the client's as it is.
            if mapping(rule.get("match")).get("mode", "CLIENT_AND_SERVER") in {"CLIENT", "CLIENT_AND_SERVER"}:
                logging = _of_rule(telemetry, rule)
    if logging.state != "full":
        return logging
    for patch in configuration.applying("EnvoyFilter", namespace, labels):
        share = _sampled_share(patch)
        if share is not None:
            return AccessLogging("sampled", f"EnvoyFilter {patch.namespace}/{patch.name}", share)
    return logging


def _of_rule(telemetry: MeshObject, rule: Mapping[str, object]) -> AccessLogging:
    name = f"Telemetry {telemetry.namespace}/{telemetry.name}"
    if rule.get("disabled") is True:
        return AccessLogging("disabled", f"{name} disables access logs")
    expression = mapping(rule.get("filter")).get("expression")
    if isinstance(expression, str) and expression.strip() not in {"", "true"}:
        return AccessLogging("filtered", f"{name} logs only where `{expression}`")
    return AccessLogging("full")


def _sampled_share(patch: MeshObject) -> float | None:
    """The share of lines that a runtime filter on an access log lets through; null where there is none."""
    for part in walk(patch.spec):
        runtime = mapping(part.get("runtime_filter", part.get("runtimeFilter")))
        percent = mapping(runtime.get("percent_sampled", runtime.get("percentSampled")))
        numerator = percent.get("numerator")
        if isinstance(numerator, int | float):
            scale = {"TEN_THOUSAND": 10_000, "MILLION": 1_000_000}.get(str(percent.get("denominator")), 100)
            share = numerator / scale
            if share < 1:
                return share
    return None
