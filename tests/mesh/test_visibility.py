"""Visibility: exportTo, Sidecars, discoverySelectors, cluster domain and aliases, one table each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from analyzers.mesh.exports import exported_to
from analyzers.mesh.host_index import HostIndex
from analyzers.mesh.services import services_of
from analyzers.mesh.sidecars import imports_of, outbound_policy, sidecar_for
from analyzers.mesh.visibility import Proxy, Scope, scope_of
from tests.mesh.meshes import alias, injector, istio, mesh_config, mesh_of, namespace, service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.services import Service

FULL = ".svc.cluster.local"
SHOP = [service("shop/cart"), service("shop/pay", 8080), service("data/store"), service("ops/logs")]


def scope(mesh: Mesh, client: str, **labels: str) -> Scope:
    return scope_of(mesh, Proxy(client, labels))


def names(found: Iterable[Service]) -> list[str]:
    return [one.host.removesuffix(FULL) for one in found]


def sidecar(name: str, *hosts: str) -> dict[str, Any]:
    return istio("Sidecar", name, {"egress": [{"hosts": list(hosts)}]})


@pytest.mark.parametrize(
    ("stated", "default", "expected"),
    [
        ([], ["*"], {"*"}),
        ([], ["."], {"a"}),
        ([], ["b"], set()),
        ([], [".", "*"], {"a"}),
        (["."], ["*"], {"a"}),
        (["*", "~"], ["*"], {"*"}),
        (["~", "."], ["*"], set()),
        (["b", "."], ["*"], {"a", "b"}),
    ],
)
def test_export_to(stated: list[str], default: list[str], expected: set[str]) -> None:
    assert exported_to(stated, "a", default) == expected


@pytest.mark.parametrize(
    ("objects", "client", "expected"),
    [
        ([service("a/s")], "b", True),
        ([service("a/s", annotations={"networking.istio.io/exportTo": "."})], "b", False),
        ([service("a/s", annotations={"networking.istio.io/exportTo": ". , b"})], "b", True),
        ([service("a/s", annotations={"networking.istio.io/exportTo": "~"})], "a", False),
        ([service("a/s"), mesh_config(defaultServiceExportTo=["."])], "b", False),
        ([service("a/s"), mesh_config(defaultServiceExportTo=["."])], "a", True),
        (
            [service("a/s"), mesh_config(discoverySelectors=[{"matchLabels": {"mesh": "on"}}]), namespace("a")],
            "a",
            False,
        ),
        (
            [
                service("a/s"),
                mesh_config(discoverySelectors=[{"matchLabels": {"mesh": "on"}}]),
                namespace("a", mesh="on"),
            ],
            "b",
            True,
        ),
        ([service("a/s"), mesh_config(discoverySelectors=[{"matchLabels": {"mesh": "on"}}])], "b", True),
    ],
)
def test_services_are_seen_as_exported_and_selected(objects: list[dict[str, Any]], client: str, expected: bool) -> None:
    assert (scope(mesh_of(*objects), client).routed(f"s.a{FULL}") is not None) is expected


@pytest.mark.parametrize(
    ("hosts", "routed"),
    [
        (["*/*"], ["cart.shop", "logs.ops", "pay.shop", "store.data"]),
        (["./*"], ["cart.shop", "pay.shop"]),
        (["shop/cart.shop" + FULL, "data/*"], ["cart.shop", "store.data"]),
        (["*/*.ops" + FULL], ["logs.ops"]),
        (["~/*"], []),
        (["*/*", "~ops/*"], ["cart.shop", "pay.shop", "store.data"]),
        (["*/*", "~/*"], ["cart.shop", "logs.ops", "pay.shop", "store.data"]),
        (["cart.shop" + FULL, "a/b/c"], []),
    ],
)
def test_egress_hosts(hosts: list[str], routed: list[str]) -> None:
    assert names(scope(mesh_of(*SHOP, sidecar("shop/default", *hosts)), "shop").routed_services()) == routed


def test_a_lone_tilde_beside_others_excludes_all_from_1_31_on() -> None:
    assert not imports_of(["*/*", "~/*"], "a", (1, 31)).takes_service("b", "x")
    assert imports_of(["*/*", "~/*"], "a", (1, 30)).takes_service("b", "x")
    assert not imports_of(["*/*", "~/x"], "a", (1, 31)).takes_service("b", "x")


def test_precedence_of_sidecars() -> None:
    mesh = mesh_of(
        istio("Sidecar", "istio-system/selecting", {"workloadSelector": {"labels": {"app": "other"}}}, age=1),
        istio("Sidecar", "istio-system/default", {}, age=2),
        istio("Sidecar", "shop/old", {}, age=1),
        istio("Sidecar", "shop/young", {}, age=2),
        istio("Sidecar", "shop/cart", {"workloadSelector": {"labels": {"app": "cart"}}}, age=3),
        istio("Sidecar", "data/all", {"workloadSelector": {}}, age=3),
        istio("Sidecar", "data/none", {}, age=1),
    )
    cases = {
        ("shop", "cart"): "shop/cart",
        ("shop", "pay"): "shop/old",
        ("data", "store"): "data/all",
        ("ops", "logs"): "istio-system/default",
    }
    for (where, app), expected in cases.items():
        found = sidecar_for(mesh, where, {"app": app})
        assert found is not None
        assert f"{found.namespace}/{found.name}" == expected
    assert scope_of(mesh, Proxy("shop", kind="gateway")).sidecar is None


def test_the_root_sidecar_is_read_in_the_proxys_namespace() -> None:
    mesh = mesh_of(*SHOP, sidecar("istio-system/default", "./*"))
    assert names(scope(mesh, "data").routed_services()) == ["store.data"]


def test_listeners_of_a_port_import_services_with_that_port() -> None:
    spec = {"egress": [{"port": {"number": 8080, "protocol": "HTTP"}, "hosts": ["*/*"]}, {"hosts": ["data/*"]}]}
    found = scope(mesh_of(*SHOP, istio("Sidecar", "shop/default", spec)), "shop")
    assert names(found.routed_services()) == ["pay.shop", "store.data"]
    assert found.routed(f"store.data{FULL}", 8080) is None
    assert found.routed(f"store.data{FULL}", 80) is not None


def test_clusters_come_from_virtual_services_too_and_routes_do_not() -> None:
    routes = [
        {"match": [{"sourceNamespace": "ops"}], "route": [{"destination": {"host": f"logs.ops{FULL}"}}]},
        {"route": [{"destination": {"host": f"store.data{FULL}", "port": {"number": 80}}}]},
        {"route": [{"destination": {"host": "pay", "port": {"number": 9999}}}]},
    ]
    mesh = mesh_of(
        *SHOP,
        sidecar("shop/default", "shop/cart.shop" + FULL),
        istio("VirtualService", "shop/cart", {"hosts": ["cart"], "http": routes}),
    )
    found = scope(mesh, "shop")
    assert names(found.routed_services()) == ["cart.shop"]
    assert names(found.services()) == ["cart.shop", "store.data"]


@pytest.mark.parametrize(
    ("hosts", "spec", "expected"),
    [
        (["shop/*"], {}, True),
        (["data/*"], {}, False),
        (["shop/*.shop" + FULL], {}, True),
        (["shop/cart.shop" + FULL], {"hosts": ["*.shop" + FULL]}, True),
        (["*/*"], {"gateways": ["front"]}, False),
        (["*/*"], {"gateways": ["front", "mesh"]}, True),
        (["*/*"], {"exportTo": ["data"]}, False),
        (["*/*", "~shop/cart.shop" + FULL], {}, False),
    ],
)
def test_virtual_services_are_matched_in_their_own_namespace(
    hosts: list[str], spec: dict[str, Any], expected: bool
) -> None:
    mesh = mesh_of(
        *SHOP,
        sidecar("ops/default", *hosts),
        istio("VirtualService", "shop/cart", {"hosts": ["cart"], "http": [], **spec}),
    )
    assert bool(scope(mesh, "ops").virtual_services(f"cart.shop{FULL}")) is expected


def test_the_most_specific_and_oldest_virtual_service_comes_first() -> None:
    mesh = mesh_of(
        istio("VirtualService", "shop/wide", {"hosts": ["*.shop" + FULL]}, age=1),
        istio("VirtualService", "shop/young", {"hosts": ["cart"]}, age=3),
        istio("VirtualService", "shop/old", {"hosts": ["cart"]}, age=2),
    )
    found = scope(mesh, "ops").virtual_services(f"cart.shop{FULL}")
    assert [one.item.name for one in found] == ["old", "young", "wide"]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["*/*"], "store.data"),
        (["data/*"], "store.data"),
        (["data/store.data" + FULL, "data/cold.shop" + FULL], "store.data"),
        (["data/store.data" + FULL], None),
        (["data/store.data" + FULL, "shop/*"], None),
    ],
)
def test_an_alias_needs_an_entry_of_the_concrete_services_namespace(hosts: list[str], expected: str | None) -> None:
    mesh = mesh_of(*SHOP, alias("shop/cold", f"store.data{FULL}"), sidecar("ops/default", *hosts))
    found = scope(mesh, "ops").routed(f"cold.shop{FULL}")
    assert (found and found.host.removesuffix(FULL)) == expected


def test_aliases_of_aliases_and_loops() -> None:
    mesh = mesh_of(
        *SHOP,
        alias("shop/one", f"two.shop{FULL}"),
        alias("shop/two", f"store.data{FULL}"),
        alias("shop/loop", f"pool.shop{FULL}"),
        alias("shop/pool", f"loop.shop{FULL}"),
    )
    services = services_of(mesh)
    found = {one.host.removesuffix(FULL): one.alias_of for one in services.all if one.resolution == "ALIAS"}
    assert found == {
        "one.shop": f"store.data{FULL}",
        "two.shop": f"store.data{FULL}",
        "loop.shop": None,
        "pool.shop": None,
    }
    assert [one.host for one in services.aliases[f"store.data{FULL}"]] == [f"one.shop{FULL}", f"two.shop{FULL}"]


def test_names_in_any_spelling_and_another_cluster_domain() -> None:
    found = scope(mesh_of(*SHOP, injector("corp.example")), "shop")
    for name in ("cart", "cart.shop", "cart.shop.svc", "CART.shop.svc.corp.example."):
        service_found = found.resolve(name)
        assert service_found is not None
        assert service_found.host == "cart.shop.svc.corp.example"
    assert found.resolve("store") is None
    assert found.resolve(f"cart.shop{FULL}") is None


def test_a_wildcard_entry_serves_names_beneath_it() -> None:
    entry = istio(
        "ServiceEntry", "shop/apis", {"hosts": ["*.api.example"], "ports": [{"number": 443, "protocol": "TLS"}]}
    )
    found = scope(mesh_of(entry), "shop").resolve("eu.api.example")
    assert found is not None
    assert (found.host, found.is_mesh_external, found.ports[0].protocol) == ("*.api.example", True, "TLS")
    assert scope(mesh_of(entry), "shop").resolve("api.example") is None


def test_of_one_host_in_several_namespaces_own_then_kubernetes_then_the_oldest() -> None:
    def entry(where: str, age: int) -> dict[str, Any]:
        return istio("ServiceEntry", where, {"hosts": [f"cart.shop{FULL}"]}, age=age)

    mesh = mesh_of(entry("own/e", 3), entry("first/e", 1), entry("second/e", 2))
    for client, expected in (("own", "own"), ("other", "first")):
        found = scope(mesh, client).routed(f"cart.shop{FULL}")
        assert found is not None
        assert found.namespace == expected
    mixed = scope(mesh_of(entry("first/e", 1), service("shop/cart", age=5)), "other").routed(f"cart.shop{FULL}")
    assert mixed is not None
    assert mixed.is_kubernetes


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "ALLOW_ANY"),
        ({"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}}, "ALLOW_ANY"),
        ({"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}, "REGISTRY_ONLY"),
        ({"outboundTrafficPolicy": {}}, "REGISTRY_ONLY"),
    ],
)
def test_outbound_policy(spec: dict[str, Any], expected: str) -> None:
    mesh = mesh_of(istio("Sidecar", "shop/default", spec))
    assert outbound_policy(mesh.of_kind("Sidecar")[0], "ALLOW_ANY") == expected
    assert outbound_policy(None, "REGISTRY_ONLY") == "REGISTRY_ONLY"


def test_index_of_patterns() -> None:
    index = HostIndex((pattern, pattern) for pattern in ("*", "*.b", "*.a.b", "x.a.b", "y.b"))
    assert [pattern for pattern, _ in index.covering("x.a.b")] == ["x.a.b", "*.a.b", "*.b", "*"]
    assert [pattern for pattern, _ in index.covering("*.a.b")] == ["*.a.b", "*.b", "*"]
    assert sorted(pattern for pattern, _ in index.covered_by("*.b")) == ["*.a.b", "*.b", "x.a.b", "y.b"]
    assert sorted(pattern for pattern, _ in index.overlapping("*.a.b")) == ["*", "*.a.b", "*.b", "x.a.b"]
    assert index.best("z.b") == ("*.b",)
    assert index.of("z.b") == ()
