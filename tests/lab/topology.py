"""The online shop that the lab runs: three namespaces, a gateway, two versions of reviews, TCP, externals."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.model import (
    Behaviour,
    Call,
    DestinationPolicy,
    Endpoint,
    External,
    LoadRequest,
    Mesh,
    RoutePolicy,
    Service,
    Workload,
)

GATEWAY = "istio-ingressgateway"
ACQUIRER = "acquirer.bank.example"
TELEMETRY = "telemetry.vendor.example"
# Unprivileged, so that the lab runs without root; the applications send no port in these Host headers.
EXTERNAL_PORT = 8080

SERVICES = (
    Service("frontend", "shop", 8080),
    Service("catalog", "shop", 8080),
    Service("reviews", "shop", 8080),
    Service("recommendations", "shop", 8080),
    Service("cart", "shop", 8080),
    Service("cart-store", "shop", 6379, "tcp"),
    Service("checkout", "shop", 8080),
    Service("inventory", "shop", 8000),
    Service("payments", "payments", 8080),
)

FRONTEND_ENDPOINTS = (
    Endpoint("/product/", (Call("catalog", "/products/{id}", required=True), Call("reviews", "/reviews/{id}")), 2400),
    Endpoint("/cart", (Call("cart", "/items/{id}", "POST", required=True, body_bytes=80),)),
    Endpoint("/checkout", (Call("checkout", "/orders", "POST", required=True, body_bytes=240),)),
    Endpoint("/preview/", (Call("catalog", "/preview/{id}"),)),
    Endpoint(
        "/",
        (
            Call("catalog", "/products?page={id}", required=True),
            Call("recommendations", "/for/{id}"),
            Call(TELEMETRY, "/collect", "POST", probability=0.15, body_bytes=120),
        ),
        3200,
    ),
)

WORKLOADS = (
    Workload(GATEWAY, GATEWAY, "istio-system", "latest", gateway=True),
    Workload("frontend-v1", "frontend", "shop", replicas=2, endpoints=FRONTEND_ENDPOINTS),
    Workload(
        "catalog-v1",
        "catalog",
        "shop",
        behaviour=Behaviour(latency_ms=6, jitter_ms=3),
        endpoints=(Endpoint("/", (Call("inventory", "/stock/{id}", probability=0.6),), 900),),
    ),
    Workload("reviews-v1", "reviews", "shop", "v1", behaviour=Behaviour(latency_ms=5), endpoints=(Endpoint("/"),)),
    Workload("reviews-v2", "reviews", "shop", "v2", behaviour=Behaviour(latency_ms=8), endpoints=(Endpoint("/"),)),
    Workload(
        "recommendations-v1",
        "recommendations",
        "shop",
        behaviour=Behaviour(latency_ms=12, jitter_ms=6),
        endpoints=(Endpoint("/", body_bytes=500),),
    ),
    Workload("cart-v1", "cart", "shop", endpoints=(Endpoint("/", (Call("cart-store", "cart:{id}", required=True),)),)),
    Workload("cart-store-v1", "cart-store", "shop", behaviour=Behaviour(latency_ms=1, jitter_ms=0.5)),
    Workload(
        "checkout-v1",
        "checkout",
        "shop",
        endpoints=(
            Endpoint(
                "/",
                (
                    Call("cart", "/items/{id}", required=True),
                    Call("payments", "/charges", "POST", required=True, body_bytes=180),
                ),
            ),
        ),
    ),
    Workload(
        "inventory-v0",
        "inventory",
        "shop",
        "v0",
        sidecar=False,
        behaviour=Behaviour(latency_ms=9, jitter_ms=4),
        endpoints=(Endpoint("/"),),
    ),
    Workload(
        "payments-v1",
        "payments",
        "payments",
        behaviour=Behaviour(latency_ms=10, jitter_ms=4),
        endpoints=(Endpoint("/", (Call(ACQUIRER, "/authorize", "POST", required=True, body_bytes=150),)),),
    ),
)

SHOP = Mesh(
    name="shop",
    host="shop.example.com",
    services=SERVICES,
    workloads=WORKLOADS,
    externals=(
        External(ACQUIRER, EXTERNAL_PORT, registered=True),
        External(TELEMETRY, EXTERNAL_PORT, registered=False),
    ),
    routes=(
        RoutePolicy("catalog", dangling=("/preview/", "catalog-next.shop.svc.cluster.local")),
        RoutePolicy("reviews", weights=(("v1", 60), ("v2", 40))),
        RoutePolicy("recommendations", timeout_ms=300),
        RoutePolicy("cart", retry_attempts=2),
    ),
    destinations=(
        DestinationPolicy("reviews", subsets=("v1", "v2")),
        DestinationPolicy("inventory", max_connections=3, max_pending_requests=2),
    ),
    load=(
        LoadRequest(38, "/"),
        LoadRequest(30, "/product/{id}"),
        LoadRequest(4, "/product/{id}?ref=%22mail%22&lang=fr%20FR"),
        LoadRequest(15, "/cart", "POST"),
        LoadRequest(12, "/checkout", "POST"),
        LoadRequest(1, "/preview/{id}"),
    ),
)


def reduced(mesh: Mesh, without: frozenset[str]) -> Mesh:
    """The mesh without those services (short names): their workloads, policies and the calls to them too."""

    def thinned(workload: Workload) -> Workload:
        endpoints = tuple(
            replace(endpoint, calls=tuple(call for call in endpoint.calls if call.to not in without))
            for endpoint in workload.endpoints
        )
        return replace(workload, endpoints=endpoints)

    return replace(
        mesh,
        services=tuple(s for s in mesh.services if s.name not in without),
        workloads=tuple(thinned(w) for w in mesh.workloads if w.app not in without),
        externals=tuple(e for e in mesh.externals if e.host not in without),
        routes=tuple(p for p in mesh.routes if p.service not in without),
        destinations=tuple(p for p in mesh.destinations if p.service not in without),
        load=tuple(r for r in mesh.load if r.path.strip("/") not in without),
    )
