"""Faults of gRPC and TCP calls, with what a diagnosis has to say of each."""

from __future__ import annotations

from tests.lab.changes import access, destination, policies, route
from tests.lab.fault_mesh import expected
from tests.lab.model import Behaviour, DestinationPolicy, Fault, RoutePolicy
from tests.lab.policies import PeerPolicy, Policies

PROTOCOL_FAULTS: tuple[Fault, ...] = (
    Fault(
        "grpc-app-killed",
        "quotes-v1",
        Behaviour(stopped=True),
        expected=expected("connection_refused", "frontend-v1", "quotes", "Deployment/shop/quotes-v1"),
    ),
    Fault(
        "grpc-errors",
        "quotes-v1",
        Behaviour(error_rate=0.7),
        expected=expected("application_error", "frontend-v1", "quotes", "Deployment/shop/quotes-v1", seen_in="metrics"),
    ),
    Fault(
        "grpc-unavailable-retried",
        "rates-v1",
        Behaviour(error_rate=0.3, grpc_status=14),
        expected=expected(
            "hidden_retries", "quotes-v1", "rates", None, "application_error", "retries_exhausted", seen_in="metrics"
        ),
    ),
    Fault(
        "grpc-route-timeout",
        "quotes-v1",
        Behaviour(latency_ms=450),
        change=route(RoutePolicy("quotes", timeout_ms=150)),
        expected=expected("route_timeout", "frontend-v1", "quotes", "VirtualService/shop/quotes"),
    ),
    Fault(
        "grpc-rbac-deny",
        "quotes",
        change=access("no-quotes", "quotes", "DENY", "frontend"),
        expected=expected("rbac_denied", "frontend-v1", "quotes", "AuthorizationPolicy/shop/no-quotes"),
    ),
    Fault(
        "grpc-dependency-killed",
        "rates-v1",
        Behaviour(stopped=True),
        expected=expected("connection_refused", "quotes-v1", "rates", "Deployment/shop/rates-v1"),
    ),
    Fault(
        "grpc-plaintext-to-strict",
        "quotes",
        change=destination(DestinationPolicy("quotes", tls_mode="DISABLE")),
        expected=expected("plaintext_to_strict_mtls", "frontend-v1", "quotes", "DestinationRule/shop/quotes"),
    ),
    Fault(
        "grpc-retries-exhausted",
        "rates-v1",
        Behaviour(error_rate=1.0, grpc_status=14),
        expected=expected("retries_exhausted", "quotes-v1", "rates", "Deployment/shop/rates-v1", "application_error"),
    ),
    Fault(
        "tcp-app-killed",
        "cart-store-v1",
        Behaviour(stopped=True),
        expected=expected("connection_refused", "cart-v1", "cart-store", "Deployment/shop/cart-store-v1"),
    ),
    Fault(
        "tcp-rbac-deny",
        "cart-store",
        change=access("no-cart", "cart-store", "DENY", "cart"),
        expected=expected("rbac_denied", "cart-v1", "cart-store", "AuthorizationPolicy/shop/no-cart"),
    ),
    Fault(
        "tcp-plaintext-to-strict",
        "cart-store",
        change=destination(DestinationPolicy("cart-store", tls_mode="DISABLE")),
        expected=expected("plaintext_to_strict_mtls", "cart-v1", "cart-store", "DestinationRule/shop/cart-store"),
    ),
    Fault(
        "tcp-tls-to-disabled",
        "cart-store",
        change=policies(Policies(peers=(PeerPolicy("cart-store", "DISABLE"),))),
        expected=expected("tls_to_disabled_mtls", "cart-v1", "cart-store", "PeerAuthentication/shop/cart-store"),
    ),
    Fault(
        "tcp-overflow",
        "cart-store-v1",
        Behaviour(latency_ms=900),
        change=destination(DestinationPolicy("cart-store", max_connections=1, max_pending_requests=1)),
        expected=expected("circuit_breaker", "cart-v1", "cart-store", "DestinationRule/shop/cart-store"),
    ),
)
