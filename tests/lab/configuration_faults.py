"""Faults of configuration, and of requests, with what a diagnosis has to say of each."""

from __future__ import annotations

from tests.lab.changes import access, destination, empty_subset, policies, route
from tests.lab.fault_mesh import expected
from tests.lab.model import Behaviour, DestinationPolicy, Expectation, Fault, RawRequest, RoutePolicy
from tests.lab.policies import PeerPolicy, Policies, RateLimit, RequestTimeout, ScopePolicy
from tests.lab.topology import GATEWAY, TELEMETRY

_WRONG_NAME = "spiffe://cluster.local/ns/shop/sa/somebody-else"

CONFIGURATION_FAULTS: tuple[Fault, ...] = (
    Fault(
        "missing-route",
        "catalog",
        change=route(RoutePolicy("catalog", prefix="/v2/")),
        expected=expected("route_not_found", "frontend-v1", "catalog", "VirtualService/shop/catalog"),
    ),
    Fault(
        "missing-cluster",
        "catalog",
        change=route(RoutePolicy("catalog", dangling=("/products", "catalog-next.shop.svc.cluster.local"))),
        expected=expected("cluster_not_found", "frontend-v1", "catalog", "VirtualService/shop/catalog"),
    ),
    Fault(
        "missing-subset",
        "reviews",
        change=route(RoutePolicy("reviews", weights=(("v8", 100),))),
        expected=expected("cluster_not_found", "frontend-v1", "reviews", "VirtualService/shop/reviews"),
    ),
    Fault(
        "empty-subset",
        "reviews",
        change=empty_subset,
        expected=expected("empty_subset", "frontend-v1", "reviews", "DestinationRule/shop/reviews"),
    ),
    Fault(
        "tls-to-plaintext",
        "inventory",
        change=destination(DestinationPolicy("inventory", tls_mode="ISTIO_MUTUAL")),
        expected=expected("tls_to_plaintext", "catalog-v1", "inventory", "DestinationRule/shop/inventory"),
    ),
    Fault(
        "plaintext-to-strict",
        "catalog",
        change=destination(DestinationPolicy("catalog", tls_mode="DISABLE")),
        expected=expected("plaintext_to_strict_mtls", "frontend-v1", "catalog", "DestinationRule/shop/catalog"),
    ),
    Fault(
        "tls-to-disabled",
        "catalog",
        change=policies(Policies(peers=(PeerPolicy("catalog", "DISABLE"),))),
        expected=expected("tls_to_disabled_mtls", "frontend-v1", "catalog", "PeerAuthentication/shop/catalog"),
    ),
    Fault(
        "wrong-san",
        "catalog",
        change=destination(DestinationPolicy("catalog", tls_mode="ISTIO_MUTUAL", subject_alt_names=(_WRONG_NAME,))),
        expected=expected("certificate_mismatch", "frontend-v1", "catalog", "DestinationRule/shop/catalog"),
    ),
    Fault(
        "fault-abort",
        "catalog",
        change=route(RoutePolicy("catalog", abort_status=503, fault_percent=60)),
        expected=expected("fault_abort", "frontend-v1", "catalog", "VirtualService/shop/catalog"),
    ),
    Fault(
        "fault-delay",
        "catalog",
        change=route(RoutePolicy("catalog", delay_ms=300)),
        expected=expected("fault_delay", "frontend-v1", "catalog", "VirtualService/shop/catalog"),
    ),
    Fault(
        "rbac-deny",
        "catalog",
        change=access("no-frontend", "catalog", "DENY", "frontend"),
        expected=expected("rbac_denied", "frontend-v1", "catalog", "AuthorizationPolicy/shop/no-frontend"),
    ),
    Fault(
        "rbac-no-match",
        "catalog",
        change=access("cart-only", "catalog", "ALLOW", "cart"),
        expected=expected("rbac_no_allow_match", "frontend-v1", "catalog", "AuthorizationPolicy/shop/cart-only"),
    ),
    Fault(
        "ext-authz-denied",
        "catalog",
        change=access("ask", "catalog", "CUSTOM", authorizer="authorizer"),
        expected=expected("ext_authz_denied", "frontend-v1", "catalog", "AuthorizationPolicy/shop/ask"),
    ),
    Fault(
        "ext-authz-unreachable",
        "authorizer-v1",
        Behaviour(stopped=True),
        change=access("ask", "catalog", "CUSTOM", authorizer="authorizer"),
        expected=expected("ext_authz_unreachable", "frontend-v1", "catalog", "AuthorizationPolicy/shop/ask"),
    ),
    Fault(
        "rate-limit",
        "catalog",
        change=policies(Policies(rate_limits=(RateLimit("catalog"),))),
        expected=expected("rate_limited", "frontend-v1", "catalog", "EnvoyFilter/shop/catalog-rate-limit"),
    ),
    Fault(
        "registry-only",
        TELEMETRY,
        change=policies(Policies(registry_only=True)),
        expected=expected("blocked_egress", "frontend-v1", TELEMETRY, "ConfigMap/istio-system/istio"),
    ),
    Fault(
        "narrow-scope",
        "catalog",
        change=policies(Policies(scopes=(ScopePolicy("frontend", ("reviews", "quotes", "cart")),))),
        expected=expected("out_of_scope", "frontend-v1", "catalog", "Sidecar/shop/frontend"),
    ),
    Fault(
        "malformed-request",
        GATEWAY,
        raw=RawRequest(b"\x16\x03\x01 this is no HTTP\r\n\r\n", 2.0),
        expected=Expectation(
            ("downstream_protocol_error",), (("unknown", f"{GATEWAY}.istio-system.svc.cluster.local"),)
        ),
    ),
    Fault(
        "client-cancel",
        "catalog-v1",
        Behaviour(latency_ms=700),
        raw=RawRequest(b"GET / HTTP/1.1\r\nhost: shop.example.com\r\n\r\n", 0.15),
        expected=Expectation(("client_cancel",), ((GATEWAY, "frontend.shop.svc.cluster.local"),)),
    ),
    Fault(
        "slow-request",
        GATEWAY,
        change=policies(Policies(request_timeout=RequestTimeout(300))),
        raw=RawRequest(b"POST / HTTP/1.1\r\nhost: shop.example.com\r\ncontent-length: 99\r\n\r\nabc", 2.0),
        expected=Expectation(
            ("request_timeout",),
            (
                ("unknown", f"{GATEWAY}.istio-system.svc.cluster.local"),
                (GATEWAY, "frontend.shop.svc.cluster.local"),
            ),
            "EnvoyFilter/istio-system/gateway-request-timeout",
        ),
    ),
)
