"""Which values of annotations Istio's injector accepts (`pkg/kube/inject/validate.go`)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

_UNSIGNED: Final = 1 << 32
_PORTS: Final = 1 << 16
_BOOLEANS: Final = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})


def problem(key: str, value: str) -> str | None:
    """What is wrong with the value of an annotation; null where nothing is, or nothing is known of the key."""
    judge = _JUDGES.get(key)
    return None if judge is None else judge(value)


def _mode(value: str) -> str | None:
    return None if value in {"REDIRECT", "TPROXY", "NONE"} else f"{value!r} is none of REDIRECT, TPROXY and NONE"


def _number(value: str, below: int) -> bool:
    return value.isascii() and value.isdigit() and int(value) < below


def _unsigned(value: str) -> str | None:
    return None if _number(value, _UNSIGNED) else f"{value!r} is no whole number"


def _port(value: str) -> str | None:
    return None if _number(value.strip(), _PORTS) else f"{value!r} is no port"


def _ports(value: str) -> str | None:
    parts = value.strip().split(",") if value.strip() else []
    return next((wrong for part in parts if (wrong := _port(part)) is not None), None)


def _ports_or_all(value: str) -> str | None:
    return None if value == "*" else _ports(value)


def _ranges(value: str) -> str | None:
    for part in value.split(",") if value else ():
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError:
            return f"{part!r} is no IP range (10.0.0.0/8)"
        if "/" not in part:
            return f"{part!r} is no IP range (10.0.0.0/8)"
    return None


def _ranges_or_all(value: str) -> str | None:
    return None if value == "*" else _ranges(value)


def _boolean(value: str) -> str | None:
    return None if value in _BOOLEANS else f"{value!r} is neither true nor false"


def _proxy_config(value: str) -> str | None:
    try:
        loaded = yaml.safe_load(value)
    except yaml.YAMLError:
        return "the proxy configuration is no YAML"
    return None if loaded is None or isinstance(loaded, dict) else "the proxy configuration is no object"


_JUDGES: Final[dict[str, Callable[[str], str | None]]] = {
    "sidecar.istio.io/interceptionMode": _mode,
    "status.sidecar.istio.io/port": _port,
    "readiness.status.sidecar.istio.io/initialDelaySeconds": _unsigned,
    "readiness.status.sidecar.istio.io/periodSeconds": _unsigned,
    "readiness.status.sidecar.istio.io/failureThreshold": _unsigned,
    "traffic.sidecar.istio.io/includeOutboundIPRanges": _ranges_or_all,
    "traffic.sidecar.istio.io/excludeOutboundIPRanges": _ranges,
    "traffic.sidecar.istio.io/includeInboundPorts": _ports_or_all,
    "traffic.sidecar.istio.io/excludeInboundPorts": _ports,
    "traffic.sidecar.istio.io/excludeOutboundPorts": _ports,
    "prometheus.istio.io/merge-metrics": _boolean,
    "proxy.istio.io/config": _proxy_config,
}
