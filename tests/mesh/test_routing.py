"""Routes: which rule a request takes, and where it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzers.mesh.route_matches import Request
from analyzers.mesh.routing import Route, route_at_gateway, route_in_mesh
from analyzers.mesh.visibility import Proxy
from tests.mesh.meshes import istio, mesh_config, mesh_of, pod, service, thing

CLIENT = Proxy("web", {"app": "site"})
ENDS = [
    service("shop/cart"),
    service("shop/pay", 8080),
    pod("shop/cart", labels={"version": "v1"}),
    pod("shop/cart-2", labels={"app": "cart", "version": "v2"}),
]
SUBSETS = istio(
    "DestinationRule",
    "shop/cart",
    {
        "host": "cart",
        "subsets": [{"name": "v1", "labels": {"version": "v1"}}, {"name": "v9", "labels": {"version": "9"}}],
    },
)


def to(host: str, subset: str | None = None, weight: int | None = None) -> dict[str, Any]:
    target: dict[str, Any] = {"destination": {"host": host, **({"subset": subset} if subset else {})}}
    return {**target, **({"weight": weight} if weight is not None else {})}


def virtual_service(
    name: str, *http: dict[str, Any], hosts: tuple[str, ...] = ("cart",), **spec: list[str]
) -> dict[str, Any]:
    return istio("VirtualService", name, {"hosts": list(hosts), "http": list(http), **spec})


def http_route(name: str, *rules: dict[str, Any], parent: dict[str, Any] | None = None, age: int = 1) -> dict[str, Any]:
    attached = parent or {"kind": "Service", "group": "", "name": "cart", "namespace": "shop"}
    spec = {"parentRefs": [attached], "rules": list(rules)}
    return thing("gateway.networking.k8s.io/v1", "HTTPRoute", name, spec, age=age)


def routed(*objects: dict[str, Any], client: Proxy = CLIENT, **request: str | int | None) -> Route:
    known = Request("cart.shop", method="GET", path="/a/b", headers={}, query={})
    asked = replace(known, **request)  # type: ignore[arg-type]  # fields by name, each with its own type
    return route_in_mesh(mesh_of(*ENDS, *objects), client, asked)


def ends(route: Route) -> list[tuple[str, str | None, float]]:
    return [(one.host.partition(".")[0], one.subset, one.share) for one in route.destinations]


def test_without_rules_a_request_goes_straight() -> None:
    found = routed()
    assert (found.kind, ends(found)) == ("default", [("cart", None, 1.0)])
    assert [one.name for one in found.destinations[0].workloads] == ["cart", "cart-2"]


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        ({"uri": {"exact": "/a/b"}}, True),
        ({"uri": {"prefix": "/a"}}, True),
        ({"uri": {"prefix": "/A"}}, False),
        ({"uri": {"prefix": "/A"}, "ignoreUriCase": True}, True),
        ({"uri": {"regex": "/a/."}}, True),
        ({"uri": {"regex": "/a"}}, False),
        ({"method": {"exact": "POST"}}, False),
        ({"headers": {"X-User": {"exact": "me"}}}, False),
        ({"withoutHeaders": {"x-user": {}}}, True),
        ({"queryParams": {"q": {"exact": "1"}}}, False),
        ({"port": 81}, False),
        ({"gateways": ["front"]}, False),
        ({"sourceNamespace": "web"}, True),
        ({"sourceLabels": {"app": "other"}}, False),
        ({"authority": {"prefix": "cart"}}, True),
        ({}, True),
    ],
)
def test_matches(match: dict[str, Any], taken: bool) -> None:
    found = routed(virtual_service("shop/cart", {"match": [match], "route": [to("pay")]}, {"route": [to("cart")]}))
    assert found.kind == "rule"
    assert ends(found)[0][0] == ("pay" if taken else "cart")
    assert found.path == f"spec/http[{0 if taken else 1}]"


def test_what_is_not_known_of_a_request_makes_its_route_uncertain() -> None:
    rules = [{"match": [{"uri": {"prefix": "/a"}}], "route": [to("pay")]}, {"route": [to("cart")]}]
    found = routed(virtual_service("shop/cart", *rules), path=None)
    assert (ends(found)[0][0], found.is_certain) == ("cart", False)
    assert routed(virtual_service("shop/cart", *rules)).is_certain


def test_a_virtual_service_owns_its_host() -> None:
    found = routed(virtual_service("shop/cart", {"match": [{"uri": {"exact": "/x"}}], "route": [to("cart")]}))
    assert (found.kind, found.item and found.item.name) == ("unmatched", "cart")


def test_weights_subsets_and_pods() -> None:
    found = routed(SUBSETS, virtual_service("shop/cart", {"route": [to("cart", "v1", 75), to("cart", "v9", 25)]}))
    assert ends(found) == [("cart", "v1", 0.75), ("cart", "v9", 0.25)]
    assert [[one.name for one in target.workloads] for target in found.destinations] == [["cart"], []]
    assert ends(routed(virtual_service("shop/cart", {"route": [to("cart", None, 0)]}))) == [("cart", None, 1.0)]


@pytest.mark.parametrize(
    ("mode", "authority", "port", "kind"),
    [
        ("ALLOW_ANY", "example.org", 80, "passthrough"),
        ("REGISTRY_ONLY", "example.org", 80, "blocked"),
        ("REGISTRY_ONLY", "only.example", 80, "rule"),
        ("REGISTRY_ONLY", "only.example", 8080, "blocked"),
    ],
)
def test_hosts_that_no_service_has(mode: str, authority: str, port: int, kind: str) -> None:
    found = routed(
        mesh_config(outboundTrafficPolicy={"mode": mode}),
        virtual_service("shop/only", {"route": [to("cart")]}, hosts=("only.example",)),
        authority=authority,
        port=port,
    )
    assert found.kind == kind


def test_redirects_end_at_the_proxy() -> None:
    found = routed(virtual_service("shop/cart", {"redirect": {"uri": "/x"}}))
    assert (found.kind, found.destinations) == ("answered", ())


def test_delegates_are_merged_in() -> None:
    root = virtual_service(
        "web/cart",
        {"match": [{"uri": {"prefix": "/a"}}], "delegate": {"name": "d", "namespace": "shop"}, "timeout": "3s"},
        {"route": [to("cart.shop.svc.cluster.local")]},
        hosts=("cart.shop.svc.cluster.local",),
    )
    delegate = istio(
        "VirtualService",
        "shop/d",
        {
            "http": [
                {"match": [{"uri": {"prefix": "/z"}}], "route": [to("cart")]},
                {"match": [{"uri": {"exact": "/a/b"}}], "route": [to("pay")], "name": "inner"},
            ]
        },
    )
    found = routed(root, delegate)
    assert (ends(found)[0][0], found.path, found.value["timeout"]) == ("pay", "spec/http[1]", "3s")
    assert found.item is not None
    assert found.item.name == "d"
    assert ends(routed(root, delegate, path="/a/c"))[0][0] == "cart"
    hidden = istio("VirtualService", "shop/d", {"exportTo": ["."], "http": [{"route": [to("pay")]}]})
    assert ends(routed(root, hidden))[0][0] == "cart"


def test_ports_of_destinations() -> None:
    found = routed(virtual_service("shop/cart", {"route": [to("pay")]}))
    assert found.destinations[0].port == 8080


def test_routes_of_the_gateway_api() -> None:
    rules = [
        {"matches": [{"path": {"type": "PathPrefix", "value": "/a"}}], "backendRefs": [{"name": "cart", "port": 80}]},
        {
            "matches": [{"path": {"type": "Exact", "value": "/a/b"}}],
            "backendRefs": [{"name": "cart", "port": 80, "weight": 3}, {"name": "pay", "port": 8080}],
        },
    ]
    found = routed(http_route("shop/r", *rules))
    assert ends(found) == [("cart", None, 0.75), ("pay", None, 0.25)]
    assert found.path == "spec/rules[1]/matches[0]"
    assert ends(routed(http_route("shop/r", *rules), path="/a/c")) == [("cart", None, 1.0)]
    assert routed(http_route("shop/r", *rules), path="/abc").kind == "unmatched"
    # Its own route comes before the service's, and holds for its own namespace alone.
    own = http_route("web/r", {"backendRefs": [{"name": "pay", "namespace": "shop", "port": 8080}]})
    assert ends(routed(http_route("shop/r", *rules), own)) == [("pay", None, 1.0)]
    assert ends(routed(http_route("shop/r", *rules), own, client=Proxy("other"), path="/a")) == [("cart", None, 1.0)]


def test_at_a_gateway_the_routes_of_one_host_are_tried_together() -> None:
    mesh = mesh_of(
        *ENDS,
        virtual_service("shop/all", {"route": [to("cart")]}, hosts=("a.example",), gateways=["front"]),
        virtual_service(
            "shop/pay",
            {"match": [{"uri": {"prefix": "/pay"}}], "route": [to("pay")]},
            hosts=("a.example",),
            gateways=["shop/front"],
        ),
        virtual_service("shop/wide", {"route": [to("pay")]}, hosts=("*.example",), gateways=["front"]),
    )
    gateway = Proxy("shop", kind="gateway")

    def end(authority: str, path: str) -> str:
        found = route_at_gateway(mesh, gateway, "shop/front", Request(authority, path=path, method="GET"))
        return found.destinations[0].host.partition(".")[0] if found.destinations else found.kind

    assert end("a.example", "/pay/1") == "pay"
    assert end("a.example:8080", "/") == "cart"
    assert end("b.example", "/") == "pay"
    assert end("b.other", "/") == "unmatched"


def test_an_expression_that_cannot_be_read_decides_nothing() -> None:
    found = routed(virtual_service("shop/cart", {"match": [{"uri": {"regex": "("}}], "route": [to("pay")]}))
    assert (found.kind, found.is_certain) == ("unmatched", False)
