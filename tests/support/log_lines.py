"""Istio access-log lines for tests of inputs and jobs: one call each, told apart by their request id."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def text_line(number: int, *, code: int = 200, duration_ms: int = 12, start: datetime = START) -> bytes:
    """A line of Istio's default text format, a second after the one before it."""
    time = (start + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return (
        f'[{time}] "GET /items/{number} HTTP/1.1" {code} - via_upstream - "-" 3 5 {duration_ms} 11 "-" "curl/8.5.0" '
        f'"{request_id(number)}" "cart:8080" "10.0.0.9:8080" outbound|8080||cart.shop.svc.cluster.local '
        f"10.0.0.4:50000 10.96.0.3:8080 10.0.0.4:40000 - default\n"
    ).encode()


def json_line(number: int, *, start: datetime = START) -> bytes:
    """The same request in Istio's JSON format."""
    value = {
        "authority": "cart:8080",
        "bytes_received": 3,
        "bytes_sent": 5,
        "connection_termination_details": None,
        "downstream_local_address": "10.96.0.3:8080",
        "downstream_remote_address": "10.0.0.4:40000",
        "duration": 12,
        "method": "GET",
        "path": f"/items/{number}",
        "protocol": "HTTP/1.1",
        "request_id": request_id(number),
        "requested_server_name": None,
        "response_code": 200,
        "response_code_details": "via_upstream",
        "response_flags": "-",
        "route_name": "default",
        "start_time": (start + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "upstream_cluster": "outbound|8080||cart.shop.svc.cluster.local",
        "upstream_host": "10.0.0.9:8080",
        "upstream_local_address": "10.0.0.4:50000",
        "upstream_service_time": "11",
        "upstream_transport_failure_reason": None,
        "user_agent": "curl/8.5.0",
        "x_forwarded_for": None,
    }
    return json.dumps(value).encode() + b"\n"


def text_log(count: int, first: int = 0) -> bytes:
    """`count` text lines."""
    return b"".join(text_line(number) for number in range(first, first + count))


def request_id(number: int) -> str:
    """The request id of the line of that number."""
    return f"00000000-0000-4000-8000-{number:012d}"
