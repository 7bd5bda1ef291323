"""Checks of ambient mode and of the Gateway API that Kiali has, too."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.configuration import (
    ambient_and_sidecar,
    gateway_api_references,
    gateway_listeners,
    missing_waypoint,
    policy_without_waypoint,
    routing_without_waypoint,
    unknown_gateway_class,
    unknown_grant_namespace,
)
from tests.analyzers.configuration.checking import found, severities
from tests.mesh.meshes import istio, namespace, pod, security, service, thing

GATEWAY_API = "gateway.networking.k8s.io/v1"
AMBIENT = namespace("shop", **{"istio.io/dataplane-mode": "ambient"})
ENROLLED = namespace("shop", **{"istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "way"})
CART = pod("shop/cart", proxy=False)
HTTP = {"rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]}
TARGET = {"targetRefs": [{"kind": "Service", "group": "", "name": "cart"}]}


def gateway(name: str, class_name: str = "istio", **spec: object) -> dict[str, Any]:
    return thing(GATEWAY_API, "Gateway", name, {"gatewayClassName": class_name, **spec})


WAYPOINT = gateway("shop/way", "istio-waypoint")


def codes(found_ones: list[tuple[str, str, str]]) -> list[str]:
    return [code for code, _, _ in found_ones]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([AMBIENT, CART, security("AuthorizationPolicy", "shop/p", HTTP)], ["ML2109", "ML2110"]),
        ([ENROLLED, WAYPOINT, CART, security("AuthorizationPolicy", "shop/p", HTTP)], ["ML2110"]),
        ([AMBIENT, CART, security("AuthorizationPolicy", "shop/p", {"rules": [{"from": []}]})], []),
        ([AMBIENT, service("shop/cart"), security("AuthorizationPolicy", "shop/p", {**HTTP, **TARGET})], ["ML2109"]),
        ([ENROLLED, WAYPOINT, service("shop/cart"), security("AuthorizationPolicy", "shop/p", {**HTTP, **TARGET})], []),
        ([ENROLLED, service("shop/cart"), security("AuthorizationPolicy", "shop/p", {**HTTP, **TARGET})], ["ML2109"]),
        # A policy for a gateway, or for pods with sidecars, in an ambient namespace is enforced by their own proxies.
        ([AMBIENT, pod("shop/cart"), security("AuthorizationPolicy", "shop/p", HTTP)], []),
        ([namespace("shop"), pod("shop/cart"), security("AuthorizationPolicy", "shop/p", HTTP)], []),
        ([AMBIENT, CART, security("RequestAuthentication", "shop/r", {})], ["ML2160", "ML2165"]),
        (
            [AMBIENT, CART, thing("extensions.istio.io/v1alpha1", "WasmPlugin", "shop/w", {})],
            ["ML2161", "ML2166"],
        ),
        (
            [AMBIENT, CART, thing("telemetry.istio.io/v1", "Telemetry", "shop/t", {"tracing": [{}]})],
            ["ML2162", "ML2167"],
        ),
        ([AMBIENT, CART, thing("telemetry.istio.io/v1", "Telemetry", "shop/t", {"metrics": [{}]})], []),
        (
            [AMBIENT, CART, thing("telemetry.istio.io/v1", "Telemetry", "istio-system/t", {"tracing": [{}]})],
            ["ML2162", "ML2167"],
        ),
    ],
)
def test_policies_on_http_in_ambient_mode(objects: list[dict[str, Any]], expected: list[str]) -> None:
    assert codes(found(policy_without_waypoint.check, *objects)) == expected


def route(name: str, host: str, **spec: object) -> dict[str, Any]:
    return istio("VirtualService", name, {"hosts": [host], "http": [{"route": []}], **spec})


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([AMBIENT, route("shop/v", "cart")], [("ML2163", "spec/hosts[0]")]),
        ([ENROLLED, WAYPOINT, route("shop/v", "cart")], []),
        ([ENROLLED, WAYPOINT, route("web/v", "cart.shop.svc.cluster.local")], [("ML2164", "spec/hosts[0]")]),
        ([AMBIENT, route("shop/v", "x.example")], [("ML2159", "spec/hosts[0]")]),
        ([AMBIENT, route("shop/v", "cart", gateways=["front"])], []),
        ([namespace("shop"), route("shop/v", "cart")], []),
        (
            [
                AMBIENT,
                istio("DestinationRule", "shop/d", {"host": "cart", "trafficPolicy": {"outlierDetection": {"x": 1}}}),
            ],
            [("ML2211", "spec/host")],
        ),
        ([AMBIENT, istio("DestinationRule", "shop/d", {"host": "cart", "trafficPolicy": {"tls": {}}})], []),
        (
            [
                ENROLLED,
                WAYPOINT,
                istio(
                    "DestinationRule",
                    "web/d",
                    {
                        "host": "cart.shop.svc.cluster.local",
                        "subsets": [{"trafficPolicy": {"outlierDetection": {"x": 1}}}],
                    },
                ),
            ],
            [("ML2212", "spec/host")],
        ),
        (
            [
                AMBIENT,
                istio(
                    "DestinationRule", "shop/d", {"host": "x.example", "trafficPolicy": {"outlierDetection": {"x": 1}}}
                ),
            ],
            [("ML2210", "spec/host")],
        ),
    ],
)
def test_routing_in_ambient_mode(objects: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    check = routing_without_waypoint.check
    assert [(code, path) for code, _, path in found(check, service("shop/cart"), *objects)] == expected
    if expected:
        # Clients with sidecars follow it all the same.
        assert severities(check, service("shop/cart"), pod("web/site"), *objects) == ["info"]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([namespace("shop"), pod("shop/cart", labels={"istio.io/dataplane-mode": "ambient"})], ["ML2365"]),
        ([AMBIENT, pod("shop/cart")], ["ML2366"]),
        ([AMBIENT, CART], []),
        ([AMBIENT, pod("shop/cart", labels={"istio.io/dataplane-mode": "none"})], []),
        (
            [
                namespace("shop", **{"istio-injection": "enabled"}),
                pod("shop/cart", proxy=False, annotations={"ambient.istio.io/redirection": "enabled"}),
            ],
            ["ML2364"],
        ),
        (
            [
                namespace("shop", **{"istio-injection": "enabled"}),
                pod("shop/cart", proxy=False, labels={"istio.io/dataplane-mode": "ambient"}),
            ],
            ["ML2361"],
        ),
        ([namespace("shop", **{"istio-injection": "enabled"}), pod("shop/cart")], []),
    ],
)
def test_sidecars_and_ambient_mode(objects: list[dict[str, Any]], expected: list[str]) -> None:
    assert codes(found(ambient_and_sidecar.check, *objects)) == expected


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([ENROLLED, WAYPOINT], []),
        ([ENROLLED], [("ML2363", "metadata/labels/istio.io/use-waypoint")]),
        ([ENROLLED, gateway("shop/way")], [("ML2363", "metadata/labels/istio.io/use-waypoint")]),
        ([namespace("shop", **{"istio.io/use-waypoint": "none"})], []),
        (
            [namespace("shop", **{"istio.io/use-waypoint": "way"}), WAYPOINT],
            [("ML2362", "metadata/labels/istio.io/use-waypoint")],
        ),
        ([AMBIENT, WAYPOINT, service("shop/cart", labels={"istio.io/use-waypoint": "way"})], []),
        (
            [AMBIENT, service("shop/cart", labels={"istio.io/use-waypoint": "gone"})],
            [("ML2363", "metadata/labels/istio.io/use-waypoint")],
        ),
        (
            [
                WAYPOINT,
                service("web/site", labels={"istio.io/use-waypoint": "way", "istio.io/use-waypoint-namespace": "shop"}),
            ],
            [],
        ),
        (
            [namespace("shop"), WAYPOINT, pod("shop/cart", labels={"istio.io/use-waypoint": "way"})],
            [("ML2362", "metadata/labels/istio.io/use-waypoint")],
        ),
    ],
)
def test_waypoints_that_labels_ask_for(objects: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    assert [(code, path) for code, _, path in found(missing_waypoint.check, *objects)] == expected


def http_route(name: str, parent: dict[str, Any], backend: dict[str, Any]) -> dict[str, Any]:
    spec = {"parentRefs": [parent], "rules": [{"backendRefs": [backend]}]}
    return thing(GATEWAY_API, "HTTPRoute", name, spec)


FRONT = {"name": "front", "namespace": "edge"}
LISTENER = {"name": "web", "port": 80, "protocol": "HTTP"}


def front(source: str | None) -> dict[str, Any]:
    allowed = {"allowedRoutes": {"namespaces": {"from": source}}} if source else {}
    return gateway("edge/front", listeners=[{**LISTENER, **allowed}])


@pytest.mark.parametrize(
    ("objects", "parent", "path"),
    [
        ([front("All")], FRONT, None),
        ([], FRONT, "spec/parentRefs[0]/name"),
        ([front(None)], FRONT, "spec/parentRefs[0]/name"),
        ([front("Same")], {"name": "front"}, "spec/parentRefs[0]/name"),
        ([front("All")], {**FRONT, "sectionName": "tls"}, "spec/parentRefs[0]/name"),
        ([], {"kind": "Service", "group": "", "name": "cart"}, None),
        ([], {"kind": "Service", "group": "", "name": "card"}, "spec/parentRefs[0]/name"),
        ([], {"kind": "Other", "group": "example.com", "name": "x"}, None),
    ],
)
def test_parents_of_routes(objects: list[dict[str, Any]], parent: dict[str, Any], path: str | None) -> None:
    item = http_route("shop/r", parent, {"name": "cart", "port": 80})
    expected = [("ML2451", "shop/r", path)] if path else []
    assert found(gateway_api_references.check, *objects, item, service("shop/cart")) == expected


GRANT = thing(
    "gateway.networking.k8s.io/v1beta1",
    "ReferenceGrant",
    "pay/g",
    {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}],
        "to": [{"kind": "Service"}],
    },
)


@pytest.mark.parametrize(
    ("objects", "backend", "is_wrong"),
    [
        ([], {"name": "cart"}, False),
        ([], {"name": "card"}, True),
        ([], {"name": "pay", "namespace": "pay"}, True),
        ([GRANT], {"name": "pay", "namespace": "pay"}, False),
        ([], {"kind": "Hostname", "group": "networking.istio.io", "name": "x.example"}, False),
        ([], {"kind": "InferencePool", "group": "inference.networking.x-k8s.io", "name": "x"}, False),
    ],
)
def test_backends_of_routes(objects: list[dict[str, Any]], backend: dict[str, Any], is_wrong: bool) -> None:
    known = [front("All"), service("shop/cart"), service("pay/pay"), *objects]
    expected = [("ML2452", "shop/r", "spec/rules[0]/backendRefs[0]/name")] if is_wrong else []
    assert found(gateway_api_references.check, *known, http_route("shop/r", FRONT, backend)) == expected


def test_listeners_and_addresses() -> None:
    check = gateway_listeners.check
    one = gateway("edge/a", listeners=[{**LISTENER, "hostname": "x.example"}])
    other = gateway("edge/b", listeners=[{**LISTENER, "hostname": "x.example"}])
    assert found(check, one, other) == []  # each gets an address of its own
    for item in (one, other):
        item["status"] = {"addresses": [{"type": "IPAddress", "value": "192.0.2.1"}]}
    assert codes(found(check, one, other)) == ["ML2551", "ML2551"]
    asked = [gateway(f"edge/{name}", addresses=[{"value": "192.0.2.1"}]) for name in "ab"]
    assert codes(found(check, *asked)) == ["ML2552", "ML2552"]
    shared = [gateway(f"edge/{name}", addresses=[{"type": "Hostname", "value": "in.edge"}]) for name in "ab"]
    assert found(check, *shared) == []
    twice = gateway("edge/a", listeners=[LISTENER, {**LISTENER, "name": "again"}, {**LISTENER, "port": 81}])
    assert found(check, twice) == [("ML2553", "edge/a", "spec/listeners[1]/hostname")]


def test_gateway_classes() -> None:
    check = unknown_gateway_class.check
    known = thing(GATEWAY_API, "GatewayClass", "cloud")
    assert found(check, known, gateway("edge/a", "clod")) == [("ML2554", "edge/a", "spec/gatewayClassName")]
    assert found(check, known, gateway("edge/a"), gateway("edge/b", "cloud")) == []
    assert found(check, gateway("edge/a", "clod")) == []


def test_grants() -> None:
    assert found(unknown_grant_namespace.check, namespace("pay"), GRANT) == [
        ("ML2651", "pay/g", "spec/from[0]/namespace")
    ]
    assert found(unknown_grant_namespace.check, namespace("shop"), GRANT) == []
