"""Lines of Envoy's `/clusters` text as the fields of its JSON form.

Lines are `cluster::field::value`, `cluster::scope::field::value` (circuit breakers by priority, outlier detection) and
`cluster::host::field::value`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipelines.parsers.yaml_values import Value

_PRIORITIES: Final = frozenset({"default_priority", "high_priority"})
#: Values that JSON leaves out.
_LEFT_OUT: Final = frozenset({"", "false", "0"})
_OUTLIER: Final = "outlier"
_CLUSTER_FIELDS: Final = frozenset({"observability_name", "added_via_api", "eds_service_name"})
_GAUGES: Final = frozenset({"cx_active", "rq_active", "rq_pending_active"})
_COUNTERS: Final = frozenset({"cx_connect_fail", "cx_total", "rq_error", "rq_success", "rq_timeout", "rq_total"})
_LOCALITY: Final = frozenset({"region", "zone", "sub_zone"})
_NUMBERS: Final = frozenset({"weight", "priority", "success_rate", "local_origin_success_rate"})
_HOST_FIELDS: Final = _GAUGES | _COUNTERS | _LOCALITY | _NUMBERS | {"hostname", "health_flags", "canary"}
_HEALTH_FLAGS: Final = {
    "failed_active_hc": "failed_active_health_check",
    "failed_outlier_check": "failed_outlier_check",
    "degraded_active_hc": "failed_active_degraded_check",
    "pending_dynamic_removal": "pending_dynamic_removal",
    "pending_active_hc": "pending_active_hc",
    "excluded_via_immediate_hc_fail": "excluded_via_immediate_hc_fail",
    "active_hc_timeout": "active_hc_timeout",
}
_EDS_FLAGS: Final = {
    "failed_eds_health": "UNHEALTHY",
    "degraded_eds_health": "DEGRADED",
    "eds_status_draining": "DRAINING",
}
#: An address and port; the address may be IPv6 in brackets, with colons of its own.
_SOCKET: Final = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%]+)\]|(?P<four>[^:\[\]]+)):(?P<port>[0-9]{1,5})")
#: Cluster, then scope or host, then the rest: what follows a host is one of its fields.
_LINE: Final = re.compile(
    r"(?P<cluster>.+?)::(?:(?P<scope>\[.*?\]:[0-9]+|.*?)::)?(?P<field>[a-z_]+)::(?P<value>.*)", re.DOTALL
)


@dataclass(slots=True)
class HostLines:
    """A host as fields of the JSON form, the offset of its first line and how many bytes its lines take."""

    offset: int
    fields: dict[str, Value] = field(default_factory=dict)
    size_bytes: int = 0


@dataclass(slots=True)
class ClusterLines:
    """The same for a cluster, with its hosts by their address."""

    name: str
    offset: int
    fields: dict[str, Value] = field(default_factory=dict)
    hosts: dict[str, HostLines] = field(default_factory=dict)
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that says nothing known."""

    offset: int
    reason: str
    raw: bytes


def read_cluster_lines(document: bytes) -> tuple[list[ClusterLines], list[BadLine]]:
    """Clusters in order of their first line, and the lines that cannot be read."""
    clusters: dict[str, ClusterLines] = {}
    bad: list[BadLine] = []
    offset = 0
    for line in document.splitlines(keepends=True):
        if line.strip():
            try:
                _read_line(line.rstrip(b"\r\n").decode(), offset, len(line), clusters)
            except ValueError as error:
                bad.append(BadLine(offset, str(error), line.rstrip(b"\r\n")))
        offset += len(line)
    return list(clusters.values()), bad


def _read_line(line: str, offset: int, size: int, clusters: dict[str, ClusterLines]) -> None:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError("a line of /clusters is not cluster::...::field::value")
    name, scope, key, value = match["cluster"], match["scope"], match["field"], match["value"]
    known = clusters.get(name) or ClusterLines(name, offset, {"name": name})
    if scope is None or scope in _PRIORITIES or scope == _OUTLIER:
        _set_cluster_field(known.fields, scope, key, value)
        known.size_bytes += size
    else:
        host = known.hosts.get(scope) or HostLines(offset, {"address": _address(scope)})
        _set_host_field(host.fields, key, value)
        host.size_bytes += size
        known.hosts[scope] = host
    clusters[name] = known


def _set_cluster_field(fields: dict[str, Value], scope: str | None, key: str, value: str) -> None:
    if scope is None:
        if key not in _CLUSTER_FIELDS:
            raise ValueError(f"a cluster has no field {key[:64]!r} that is known")
        if value not in _LEFT_OUT:
            fields[key] = value == "true" if key == "added_via_api" else value
    elif scope == _OUTLIER:
        if float(value) >= 0:  # -1 says that there is none
            fields[key] = {"value": float(value)}
    else:
        breakers = _within(fields, "circuit_breakers")
        thresholds = breakers.setdefault("thresholds", [])
        if not isinstance(thresholds, list):
            raise TypeError(thresholds)
        priority = "HIGH" if scope == "high_priority" else None  # JSON leaves the default out
        found = next((each for each in thresholds if isinstance(each, dict) and each.get("priority") == priority), None)
        if found is None:
            found = {}
            if priority is not None:
                found["priority"] = priority
            thresholds.append(found)
        found[key] = int(value)


def _set_host_field(fields: dict[str, Value], key: str, value: str) -> None:
    if key not in _HOST_FIELDS:
        raise ValueError(f"a host has no field {key[:64]!r} that is known")
    if key in _GAUGES or key in _COUNTERS:
        stats = fields.setdefault("stats", [])
        if isinstance(stats, list):
            kind: dict[str, Value] = {"type": "GAUGE"} if key in _GAUGES else {}
            stats.append({**kind, "name": key, **({} if int(value) == 0 else {"value": value})})
    elif value in _LEFT_OUT:
        pass
    elif key in _LOCALITY:
        _within(fields, "locality")[key] = value
    elif key == "health_flags":
        _within(fields, "health_status").update(_health(value))
    elif key in ("success_rate", "local_origin_success_rate"):
        if float(value) >= 0:  # -1 says that there is none
            fields[key] = {"value": float(value)}
    elif key in _NUMBERS:
        fields[key] = int(value)
    else:
        fields[key] = value == "true" if key == "canary" else value


def _health(value: str) -> dict[str, Value]:
    status: dict[str, Value] = {"eds_health_status": "HEALTHY"}
    for flag in value.split("/"):
        if flag in _EDS_FLAGS:
            status["eds_health_status"] = _EDS_FLAGS[flag]
        elif flag and flag != "healthy":
            status[_HEALTH_FLAGS.get(flag, flag)] = True
    return status


def _address(text: str) -> Value:
    match = _SOCKET.fullmatch(text)
    if match is not None:
        address = match["six"] or match["four"]
        return {"socket_address": {"address": address, "port_value": int(match["port"])}}
    if text.startswith("envoy://"):
        return {"envoy_internal_address": {"server_listener_name": text.removeprefix("envoy://").rstrip("/")}}
    if text.startswith(("/", "@")):
        return {"pipe": {"path": text}}
    raise ValueError(f"{text[:64]!r} is neither an address nor a part of a cluster that is known")


def _within(fields: dict[str, Value], name: str) -> dict[str, Value]:
    inner = fields.setdefault(name, {})
    if not isinstance(inner, dict):
        raise TypeError(inner)
    return inner
