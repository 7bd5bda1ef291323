"""The mesh that faults of configuration, gRPC and TCP are made in: one page calls everything once."""

from __future__ import annotations

from tests.lab.model import (
    Behaviour,
    Call,
    DestinationPolicy,
    Endpoint,
    Expectation,
    LoadRequest,
    Mesh,
    Service,
    Workload,
)
from tests.lab.topology import GATEWAY, SHOP, TELEMETRY, reduced

_BASE = reduced(SHOP, frozenset({"recommendations", "checkout", "payments", "acquirer.bank.example"}))

FAULTS_MESH = Mesh(
    name="faults",
    host=SHOP.host,
    services=(
        *_BASE.services,
        Service("quotes", "shop", 7070, "grpc"),
        Service("rates", "shop", 7071, "grpc"),
        Service("authorizer", "shop", 9000),
    ),
    workloads=(
        Workload(GATEWAY, GATEWAY, "istio-system", "latest", gateway=True),
        Workload(
            "frontend-v1",
            "frontend",
            "shop",
            endpoints=(
                Endpoint(
                    "/",
                    (
                        Call("catalog", "/products/{id}"),
                        Call("reviews", "/reviews/{id}"),
                        Call("quotes", "/shop.Quotes/Get"),
                        Call(TELEMETRY, "/collect", "POST", body_bytes=120),
                        Call("cart", "/items/{id}", required=True),
                    ),
                    900,
                ),
            ),
        ),
        *(workload for workload in _BASE.workloads if workload.app not in {GATEWAY, "frontend"}),
        Workload(
            "quotes-v1",
            "quotes",
            "shop",
            endpoints=(Endpoint("/", (Call("rates", "/shop.Rates/Get", required=True),)),),
        ),
        Workload("rates-v1", "rates", "shop", behaviour=Behaviour(latency_ms=3, jitter_ms=1)),
        Workload(
            "authorizer-v1",
            "authorizer",
            "shop",
            sidecar=False,
            behaviour=Behaviour(latency_ms=1, error_rate=1.0, error_status=403),
        ),
    ),
    externals=_BASE.externals,
    routes=(),
    destinations=(
        DestinationPolicy("reviews", subsets=("v1", "v2")),
        DestinationPolicy("catalog", tls_mode="ISTIO_MUTUAL"),
    ),
    load=(LoadRequest(1, "/"),),
)


def host_of(service: str) -> str:
    """The full host of a service (short name), or an external host as it is."""
    return TELEMETRY if service == TELEMETRY else FAULTS_MESH.service(service).host


def expected(
    cause: str, caller: str, callee: str, located: str | None = None, *more: str, seen_in: str = "logs"
) -> Expectation:
    """One edge that fails, at an object, with a cause (or any of `more`)."""
    return Expectation((cause, *more), ((caller, host_of(callee)),), located, seen_in)
