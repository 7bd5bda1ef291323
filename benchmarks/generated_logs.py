"""Access-log lines as a busy mesh writes them, text and JSON of the same requests, from a fixed seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_SERVICES = tuple(
    f"{name}-{role}.{namespace}.svc.cluster.local"
    for name in ("cart", "checkout", "catalog", "pricing", "auth", "search", "orders", "ledger", "media", "geo")
    for role, namespace in (("api", "shop"), ("worker", "payments"), ("grpc", "platform"))
)
_AGENTS = (
    "curl/8.4.0",
    "Go-http-client/2.0",
    "grpc-go/1.59.0",
    "grpc-java-netty/1.58.0",
    "python-requests/2.31.0",
    "kube-probe/1.28",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (compatible; Über-Bot/1.0)",
    None,
)
_PATHS = (
    "/api/v1/items/{}",
    "/api/v1/items?limit={}&sort=desc",
    "/shop.v1.Orders/Get",
    "/healthz",
    "/api/v2/{}/details?locale=de_DE&q=caf%C3%A9",
    "/static/{}.js",
)
_FAULTS = (
    (503, "UF,URX", "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}"),
    (503, "UH", "no_healthy_upstream"),
    (504, "UT", "response_timeout"),
    (0, "DC", "downstream_remote_disconnect"),
)
_PODS = tuple(f"10.{node % 4 + 40}.{node}.{pod + 2}" for node in range(20) for pod in range(30))
_BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
# One request in so many has quotes in its user agent, is TCP, or fails.
_ONE_IN_QUOTED, _ONE_IN_TCP, _ONE_IN_FAILED = 2000, 16, 60


@dataclass(frozen=True, slots=True)
class GeneratedLogs:
    """The same requests as Istio's default text lines and as JSON lines."""

    text: bytes
    json: bytes
    lines: int


def generate_logs(lines: int, seed: int = 1) -> GeneratedLogs:
    """Makes `lines` requests; the same seed makes the same bytes."""
    source = random.Random(seed)
    moment = _BEGIN
    text: list[str] = []
    documents: list[str] = []
    for _ in range(lines):
        moment += timedelta(milliseconds=source.randrange(60))
        record = _request(source)
        record["start_time"] = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
        text.append(_text_line(record))
        documents.append(json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    return GeneratedLogs("\n".join([*text, ""]).encode(), "\n".join([*documents, ""]).encode(), lines)


def _address(source: random.Random, port: int | None = None) -> str:
    return f"{source.choice(_PODS)}:{port or source.randrange(30000, 60000)}"


def _request(source: random.Random) -> dict[str, object]:
    host = source.choice(_SERVICES)
    inbound = source.random() < 0.5
    record: dict[str, object] = {
        "method": None,
        "path": None,
        "protocol": None,
        "response_code": 0,
        "response_flags": "-",
        "response_code_details": None,
        "connection_termination_details": None,
        "upstream_transport_failure_reason": None,
        "bytes_received": source.randrange(5000),
        "bytes_sent": source.randrange(50000),
        "duration": int(source.lognormvariate(2.2, 1.1)),
        "upstream_service_time": None,
        "x_forwarded_for": None,
        "user_agent": None,
        "request_id": None,
        "authority": None,
        "upstream_host": _address(source, 8080),
        "upstream_cluster": "inbound|8080||" if inbound else f"outbound|80||{host}",
        "upstream_local_address": _address(source),
        "downstream_local_address": _address(source, 80),
        "downstream_remote_address": _address(source),
        "requested_server_name": f"outbound_.80_._.{host}" if inbound else None,
        "route_name": None,
    }
    if source.randrange(_ONE_IN_TCP):
        _make_http(source, record, host)
    return record


def _make_http(source: random.Random, record: dict[str, object], host: str) -> None:
    digits = f"{source.getrandbits(128):032x}"
    agent = source.choice(_AGENTS)
    if source.randrange(_ONE_IN_QUOTED) == 0:
        agent = 'scanner "deep" \\ 1.0'
    record |= {
        "method": source.choice(("GET", "GET", "GET", "POST", "PUT", "DELETE")),
        "path": source.choice(_PATHS).format(source.randrange(100000)),
        "protocol": source.choice(("HTTP/1.1", "HTTP/2")),
        "response_code": source.choice((200, 200, 200, 200, 201, 304, 404)),
        "response_code_details": "via_upstream",
        "upstream_service_time": str(record["duration"]),
        "x_forwarded_for": None if source.random() < 0.6 else _address(source).partition(":")[0],
        "user_agent": agent,
        "request_id": f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}",
        "authority": f"{host}:80",
        "route_name": "default",
    }
    if source.randrange(_ONE_IN_FAILED) == 0:
        code, flags, details = source.choice(_FAULTS)
        record |= {
            "response_code": code,
            "response_flags": flags,
            "response_code_details": details,
            "upstream_service_time": None,
        }


def _text_line(record: dict[str, object]) -> str:
    value = {key: "-" if content is None else content for key, content in record.items()}
    return (
        '[{start_time}] "{method} {path} {protocol}" {response_code} {response_flags} {response_code_details} '
        '{connection_termination_details} "{upstream_transport_failure_reason}" {bytes_received} {bytes_sent} '
        '{duration} {upstream_service_time} "{x_forwarded_for}" "{user_agent}" "{request_id}" "{authority}" '
        '"{upstream_host}" {upstream_cluster} {upstream_local_address} {downstream_local_address} '
        "{downstream_remote_address} {requested_server_name} {route_name}"
    ).format_map(value)
