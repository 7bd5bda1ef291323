"""A small shop's mesh as rows of the lake: traffic with a failing edge, traces, configuration, results, hostile text.

Everything is derived from a fixed start and counters, so that tests can state exact numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

import pyarrow as pa

from pipelines import schemas

START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTES: Final = 10
REQUESTS_PER_MINUTE: Final = 6
#: In the last minutes every second payment fails.
FAILING_FROM: Final = 7

#: What a client may send: each would do harm if it were read as HTML or Markdown.
HOSTILE_AGENT: Final = '<img src=x onerror="window.hacked=1">![pixel](http://evil.example/p.png)'
HOSTILE_PATH: Final = "/pay?<script>window.hacked=2</script>&q=[click](javascript:window.hacked=3)"
HOSTILE_NAME: Final = '<b onmouseover="window.hacked=4">reviews</b>'

ALERT_EVIDENCE: Final = {"baseline_minutes": 7, "method": "Wilson interval", "baseline_error_rate": 0.0}


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the mesh and the service it serves."""

    namespace: str
    workload: str
    pod: str
    address: str
    service: str | None
    gateway: bool = False

    @property
    def host(self) -> str:
        """The service's full name."""
        return f"{self.service}.{self.namespace}.svc.cluster.local"

    @property
    def node_type(self) -> str:
        """The proxy's type, as Istio's node ids begin."""
        return "router" if self.gateway else "sidecar"

    @property
    def log(self) -> str:
        """The proxy's log file, as the kubelet lays it out."""
        return f"pods/{self.namespace}_{self.pod}_{self.address}/istio-proxy/0.log"


GATEWAY: Final = Pod("istio-system", "ingress", "ingress-5d8f7c9b4-aaaaa", "10.0.0.2", "ingress", gateway=True)
STOREFRONT: Final = Pod("shop", "storefront", "storefront-6b9d8-bbbbb", "10.0.0.3", "storefront")
CATALOG: Final = Pod("shop", "catalog-v1", "catalog-v1-7c6f5-ccccc", "10.0.0.4", "catalog")
CART: Final = Pod("shop", "cart", "cart-84c7d-ddddd", "10.0.0.5", "cart")
PAYMENTS: Final = Pod("billing", "payments", "payments-5f4d6-eeeee", "10.0.1.6", "payments")
SILENT: Final = Pod("billing", "ledger", "ledger-9c8b7-fffff", "10.0.1.7", "ledger")
PODS: Final = (GATEWAY, STOREFRONT, CATALOG, CART, PAYMENTS, SILENT)
BANK: Final = "api.bank.example"


def table_of(schema: pa.Schema, rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def _http(number: int, at: datetime, duration_ms: int, status: int, path: str, agent: str) -> dict[str, object]:
    return {
        "start_time": at,
        "method": "GET",
        "path": path,
        "protocol": "HTTP/1.1",
        "response_code": status,
        "bytes_received": 0,
        "bytes_sent": 512,
        "duration_ms": duration_ms,
        "user_agent": agent,
        "request_id": f"00000000-0000-4000-8000-{number:012d}",
        "date": at.date(),
        "format": "istio_text",
    }


def access_logs() -> pa.Table:
    """Two lines a call, one line for the bank and for payments that never arrived."""
    rows: list[dict[str, object]] = []
    offsets = count(0, 400)
    ports = count(40_000)

    def call(base: dict[str, object], caller: Pod, callee: Pod, fault: str | None = None) -> None:
        local, authority = f"{caller.address}:{next(ports)}", f"{callee.service}.{callee.namespace}:8080"
        fields: dict[str, object] = {
            **base,
            "authority": authority,
            "upstream_host": f"{callee.address}:8080",
            "upstream_local_address": local,
            "upstream_cluster": f"outbound|8080||{callee.host};",
            "response_code_details": "via_upstream",
            "route_name": "default",
        }
        if fault:
            fields |= {
                "response_code": 503,
                "response_flags": "UF,URX",
                "response_code_details": fault,
                "upstream_transport_failure_reason": "delayed_connect_error:_Connection_refused",
            }
        rows.append(
            fields
            | {
                "source": caller.log,
                "source_offset": next(offsets),
                "reporter_namespace": caller.namespace,
                "reporter_pod": caller.pod,
            }
        )
        if not fault:
            rows.append(
                fields
                | {
                    "source": callee.log,
                    "source_offset": next(offsets),
                    "reporter_namespace": callee.namespace,
                    "reporter_pod": callee.pod,
                    "upstream_cluster": "inbound|8080||;",
                    "downstream_remote_address": local,
                    "downstream_local_address": f"{callee.address}:8080",
                    "requested_server_name": f"outbound_.8080_._.{callee.host}",
                }
            )

    for number in range(MINUTES * REQUESTS_PER_MINUTE):
        at = START + timedelta(seconds=number * 60 / REQUESTS_PER_MINUTE)
        slow = number % 7
        call(_http(number, at, 80 + slow, 200, "/", "curl/8.5.0"), GATEWAY, STOREFRONT)
        call(
            _http(number, at + timedelta(milliseconds=5), 20 + slow, 200, "/items", "storefront/1.0"),
            STOREFRONT,
            CATALOG,
        )
        call(
            _http(number, at + timedelta(milliseconds=30), 40 + slow, 200, "/cart", "storefront/1.0"), STOREFRONT, CART
        )
        failing = fails(number)
        fault = "upstream_reset_before_response_started{remote_connection_failure}" if failing else None
        path, agent = (HOSTILE_PATH, HOSTILE_AGENT) if failing else ("/pay", "cart/2.3")
        call(_http(number, at + timedelta(milliseconds=35), 30 + slow, 200, path, agent), CART, PAYMENTS, fault)
        if number % 10 == 0:
            rows.append(
                _http(number, at + timedelta(milliseconds=40), 120, 200, "/rates", "payments/1.1")
                | {
                    "source": PAYMENTS.log,
                    "source_offset": next(offsets),
                    "reporter_namespace": PAYMENTS.namespace,
                    "reporter_pod": PAYMENTS.pod,
                    "authority": BANK,
                    "upstream_host": "203.0.113.9:443",
                    "upstream_cluster": "PassthroughCluster",
                }
            )
    return table_of(schemas.ACCESS_LOGS.schema, rows)


def fails(number: int) -> bool:
    """Whether request `number` fails at the payment."""
    return number >= FAILING_FROM * REQUESTS_PER_MINUTE and number % 2 == 0


def failed_payments() -> int:
    """How many payments fail."""
    return sum(fails(number) for number in range(MINUTES * REQUESTS_PER_MINUTE))


def trace_id(number: int) -> str:
    """The trace of request `number`."""
    return f"{number + 1:032x}"


def spans() -> pa.Table:
    """Every fifth request is sampled: five spans, the last an error where the payment failed; one trace has a gap."""
    rows: list[dict[str, object]] = []
    hops = ((None, GATEWAY, STOREFRONT, 0, 80), (0, STOREFRONT, CATALOG, 5, 20), (0, STOREFRONT, CART, 30, 40))
    for number in range(0, MINUTES * REQUESTS_PER_MINUTE, 5):
        at = START + timedelta(seconds=number * 60 / REQUESTS_PER_MINUTE)
        planned = [*hops, (2, CART, PAYMENTS, 35, 30)]
        for index, (parent, caller, callee, offset_ms, duration_ms) in enumerate(planned):
            failing = callee is PAYMENTS and fails(number)
            begin = at + timedelta(milliseconds=offset_ms)
            # The parent of the last span of the first trace was never exported.
            parent_id = (
                "feedfeedfeedfeed"
                if number == 0 and index == 3
                else parent
                if parent is None
                else f"{number:08x}{parent:08x}"
            )
            rows.append(
                {
                    "source": "otel/traces.jsonl",
                    "source_offset": number * 1000 + index * 100,
                    "format": "otlp_traces_json",
                    "trace_id": trace_id(number),
                    "span_id": f"{number:08x}{index:08x}",
                    "parent_span_id": parent_id,
                    "name": f"{callee.service}.{callee.namespace}.svc.cluster.local:8080/*",
                    "kind": "CLIENT",
                    "start_time": begin,
                    "end_time": begin + timedelta(milliseconds=duration_ms),
                    "duration_ms": float(duration_ms),
                    "status_code": "ERROR" if failing else "UNSET",
                    "service_name": f"{caller.workload}.{caller.namespace}",
                    "node_id": f"{caller.node_type}~{caller.address}~{caller.pod}.{caller.namespace}~x",
                    "istio_canonical_service": caller.workload.removesuffix("-v1"),
                    "istio_namespace": caller.namespace,
                    "upstream_cluster": f"outbound|8080||{callee.host};",
                    "peer_address": callee.address,
                    "request_id": f"00000000-0000-4000-8000-{number:012d}",
                    "method": "GET",
                    "url": f"http://{callee.service}.{callee.namespace}:8080/",
                    "protocol": "HTTP/1.1",
                    "response_code": 503 if failing else 200,
                    "response_flags": "UF,URX" if failing else "-",
                    "attributes": [("user_agent", HOSTILE_AGENT if failing else "cart/2.3"), ("component", "proxy")],
                    "resource_attributes": [("service.name", caller.workload)],
                    "date": begin.date(),
                }
            )
    return table_of(schemas.SPANS.schema, rows)
