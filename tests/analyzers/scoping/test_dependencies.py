from __future__ import annotations

from analyzers.scoping.dependencies import Dependencies, decide
from tests.analyzers.scoping.meshes import call, mesh_of, service, service_entry

FULL = ".svc.cluster.local"


def codes(found: Dependencies) -> list[str]:
    return sorted(reason.code for reason in found.reasons if reason.code)


def test_a_host_that_is_no_longer_declared_is_dropped_and_said() -> None:
    found = decide(mesh_of([service("shop", "cart")]), "shop", [call(f"crm.sales{FULL}")])
    assert found.hosts == ()
    assert codes(found) == ["STALE_DEP"]
    assert found.external == ()


def test_a_host_that_is_not_exported_to_the_caller_gets_no_entry() -> None:
    found = decide(mesh_of([service("b", "x", export_to=(".",))]), "shop", [call(f"x.b{FULL}")])
    assert found.hosts == ()
    assert codes(found) == ["EXPORTTO_TOO_NARROW"]


def test_a_wildcard_service_entry_is_imported_by_its_own_name() -> None:
    mesh = mesh_of([service_entry("egress", "*.example.com")])
    assert decide(mesh, "shop", [call("*.example.com")]).hosts == ("egress/*.example.com",)
    assert decide(mesh, "shop", [call("api.example.com", route="passthrough")]).hosts == ("egress/*.example.com",)


def test_of_several_declarations_the_own_namespace_then_kubernetes_counts() -> None:
    host = f"x.b{FULL}"
    in_shop = service_entry("shop", host)
    elsewhere = service_entry("c", host)
    assert decide(mesh_of([service("b", "x"), in_shop, elsewhere]), "shop", [call(host)]).hosts == (f"shop/{host}",)
    assert decide(mesh_of([service("b", "x"), elsewhere]), "shop", [call(host)]).hosts == (f"b/{host}",)
    both = decide(mesh_of([elsewhere, service_entry("d", host)]), "shop", [call(host)])
    assert both.hosts == (f"c/{host}", f"d/{host}")
    assert codes(both) == ["DUP_HOST"]


def test_a_destination_that_no_virtual_service_explains_is_kept_beside_the_requested_name() -> None:
    mesh = mesh_of([service("shop", "a"), service("shop", "b")])
    found = decide(mesh, "shop", [call(f"b.shop{FULL}", requested="a")])
    assert found.hosts == (f"shop/a.shop{FULL}", f"shop/b.shop{FULL}")


VIRTUAL_HOST = """
kind: VirtualService
namespace: routes
name: internal
spec:
  hosts: [pay.internal]
  http: [{route: [{destination: {host: pay.prod.svc.cluster.local}}]}]
"""


def test_a_host_that_only_a_virtual_service_has_needs_a_listener_on_port_80() -> None:
    calls = [call(f"pay.prod{FULL}", requested="pay.internal")]
    without = decide(mesh_of([service("prod", "pay", 8080)], VIRTUAL_HOST), "shop", calls)
    assert without.hosts == ("routes/pay.internal",)
    assert codes(without) == ["LISTENER_CARRIER"]
    carried = decide(mesh_of([service("prod", "pay", 8080), service("web", "any", 80)], VIRTUAL_HOST), "shop", calls)
    assert carried.hosts == ("routes/pay.internal", f"web/any.web{FULL}")
    own = decide(
        mesh_of([service("prod", "pay", 8080), service("shop", "front", 80)], VIRTUAL_HOST),
        "shop",
        [*calls, call(f"front.shop{FULL}", requested="front")],
    )
    assert own.hosts == ("routes/pay.internal", f"shop/front.shop{FULL}")
    assert codes(own) == []


ALIASED = [service("shop", "db", external_name=f"api.backend{FULL}"), service("backend", "api")]


def test_an_alias_is_imported_under_the_concrete_service_since_1_21() -> None:
    calls = [call(f"api.backend{FULL}", requested="db")]
    assert decide(mesh_of(ALIASED), "shop", calls, (1, 21)).hosts == (
        f"backend/api.backend{FULL}",
        f"backend/db.shop{FULL}",
    )
    before = decide(mesh_of(ALIASED), "shop", calls, (1, 20))
    assert f"backend/db.shop{FULL}" not in before.hosts


def test_aliases_in_a_circle_end() -> None:
    circle = [service("shop", "a", external_name=f"b.shop{FULL}"), service("shop", "b", external_name=f"a.shop{FULL}")]
    found = decide(mesh_of([*circle, service("shop", "c")]), "shop", [call(f"c.shop{FULL}", requested="a")])
    assert f"shop/c.shop{FULL}" in found.hosts


def test_an_edge_in_metrics_alone_is_added_for_review() -> None:
    mesh = mesh_of([service("shop", "a"), service("shop", "b")])
    found = decide(mesh, "shop", [call(f"a.shop{FULL}"), call(f"b.shop{FULL}", evidence="metrics")])
    assert found.hosts == (f"shop/a.shop{FULL}", f"shop/b.shop{FULL}")
    assert codes(found) == ["LOW_COVERAGE"]


def test_an_edge_in_both_is_counted_once() -> None:
    mesh = mesh_of([service("shop", "a")])
    found = decide(mesh, "shop", [call(f"a.shop{FULL}"), call(f"a.shop{FULL}", evidence="metrics")])
    assert [(kept.host, kept.calls) for kept in found.decisions] == [(f"shop/a.shop{FULL}", 10)]
    assert codes(found) == []


def test_metrics_without_a_name_for_what_logs_name_add_nothing() -> None:
    found = decide(
        mesh_of([service("shop", "a")]),
        "shop",
        [
            call("api.example.org", route="passthrough"),
            call("passthroughcluster", route="passthrough", evidence="metrics"),
        ],
    )
    assert [observed.callee for observed in found.external] == ["api.example.org"]


def test_a_virtual_service_of_gateways_alone_does_not_matter_to_sidecars() -> None:
    text = """
kind: VirtualService
namespace: platform
name: edge
spec:
  hosts: [a.shop.svc.cluster.local]
  gateways: [platform/edge]
  http: [{route: [{destination: {host: a.shop.svc.cluster.local}}]}]
"""
    found = decide(mesh_of([service("shop", "a")], text), "shop", [call(f"a.shop{FULL}")])
    assert found.hosts == (f"shop/a.shop{FULL}",)


def test_a_wildcard_virtual_service_elsewhere_is_imported_by_the_called_host() -> None:
    text = """
kind: VirtualService
namespace: platform
name: all
spec:
  hosts: ["*.shop.svc.cluster.local"]
  http: [{route: [{destination: {host: a.shop.svc.cluster.local}}]}]
"""
    found = decide(mesh_of([service("shop", "a")], text), "shop", [call(f"a.shop{FULL}")])
    assert found.hosts == (f"platform/a.shop{FULL}", f"shop/a.shop{FULL}")
    assert codes(found) == ["VS_OTHER_NS"]


def test_a_virtual_service_that_is_not_exported_is_not_imported() -> None:
    text = """
kind: VirtualService
namespace: platform
name: private
spec:
  hosts: [a.shop.svc.cluster.local]
  exportTo: ["."]
  http: [{route: [{destination: {host: a.shop.svc.cluster.local}}]}]
"""
    assert decide(mesh_of([service("shop", "a")], text), "shop", [call(f"a.shop{FULL}")]).hosts == (
        f"shop/a.shop{FULL}",
    )
