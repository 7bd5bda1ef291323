"""Access-log lines for tests of both parsers: the same request as Envoy writes it in text and in JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

JSON_NAMES: Final = {"duration_ms": "duration", "upstream_service_time_ms": "upstream_service_time"}

#: An outbound call; null is `-` in text.
PLAIN: Final[dict[str, object]] = {
    "start_time": "2026-11-22T22:05:06.086Z",
    "method": "GET",
    "path": "/stock/3",
    "protocol": "HTTP/1.1",
    "response_code": 200,
    "response_flags": None,
    "response_code_details": "via_upstream",
    "connection_termination_details": None,
    "upstream_transport_failure_reason": None,
    "bytes_received": 0,
    "bytes_sent": 202,
    "duration_ms": 10,
    "upstream_service_time_ms": 9,
    "x_forwarded_for": None,
    "user_agent": "curl/8.5.0",
    "request_id": "efcc30aa-f0a3-90cf-9402-f3e35e4a8ef5",
    "authority": "stock:8000",
    "upstream_host": "10.1.0.10:8000",
    "upstream_cluster": "outbound|8000||stock.shop.svc.cluster.local",
    "upstream_local_address": "10.1.0.5:39806",
    "downstream_local_address": "10.96.0.5:8000",
    "downstream_remote_address": "10.1.0.5:45653",
    "requested_server_name": None,
    "route_name": "default",
}

#: A TCP connection.
TCP: Final = PLAIN | {
    "method": None,
    "path": None,
    "protocol": None,
    "response_code": 0,
    "response_code_details": None,
    "upstream_service_time_ms": None,
    "user_agent": None,
    "request_id": None,
    "authority": None,
    "route_name": None,
    "requested_server_name": "outbound_.6379_._.cache.shop.svc.cluster.local",
}

_QUOTED: Final = frozenset(
    {"upstream_transport_failure_reason", "x_forwarded_for", "user_agent", "request_id", "authority", "upstream_host"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request with the values of its columns."""

    values: dict[str, object] = field(default_factory=dict)

    def text(self) -> bytes:
        """The line of Istio's default text format, without its newline. Strings are written as their bytes."""
        value = {name: b"-" if given is None else _bytes(given) for name, given in (PLAIN | self.values).items()}
        first = b'[%s] "%s %s %s"' % (value["start_time"], value["method"], value["path"], value["protocol"])
        rest = [b'"%s"' % value[name] if name in _QUOTED else value[name] for name in list(PLAIN)[4:]]
        return b" ".join([first, *rest])

    def json(self, **changed: object) -> bytes:
        """The JSON line, without its newline; `changed` replaces values under their JSON names."""
        named = {JSON_NAMES.get(name, name): value for name, value in (PLAIN | self.values).items()}
        return json.dumps(named | changed, separators=(",", ":"), sort_keys=True).encode()


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
