"""Hosts and subsets that lead nowhere, and those that only look so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzers.diagnosis import dangling_host
from analyzers.framework.analyzer import Options
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.support.calls import session_of
from tests.support.rows import Row, access_log, mesh_object, pod, service

if TYPE_CHECKING:
    from pathlib import Path

    from analyzers.framework.finding import Finding

NETWORKING = "networking.istio.io/v1"
SHOP = [
    service("shop", "cart", 80),
    service("shop", "web", 80),
    service("bank", "ledger", 80),
    pod("shop", "cart-1", "cart", "10.0.0.2"),
]


def virtual_service(spec: dict[str, Any], namespace: str = "shop", name: str = "cart") -> Row:
    return mesh_object(NETWORKING, "VirtualService", namespace, name, {"spec": spec})


def destination_rule(spec: dict[str, Any], namespace: str = "shop", name: str = "cart") -> Row:
    return mesh_object(NETWORKING, "DestinationRule", namespace, name, {"spec": spec})


def service_entry(spec: dict[str, Any], namespace: str = "shop", name: str = "outside") -> Row:
    return mesh_object(NETWORKING, "ServiceEntry", namespace, name, {"spec": spec})


def to(host: str, **destination: object) -> dict[str, Any]:
    return {"hosts": ["any.example"], "http": [{"route": [{"destination": {"host": host, **destination}}]}]}


def findings(*objects: Row, options: Options | None = None) -> list[Finding]:
    with session_of([], mesh_objects=[row.values for row in (*SHOP, *objects)]) as session:
        return list(dangling_host.run(session, options or Options()))


def told(*objects: Row) -> list[tuple[str, str, str | None]]:
    return [(item.code, item.severity, item.path) for item in findings(*objects)]


def test_every_kind_of_destination_is_looked_up_and_its_place_is_named() -> None:
    spec = {
        "hosts": ["not.looked.up"],
        "http": [
            {"route": [{"destination": {"host": "cart"}}, {"destination": {"host": "card"}}]},
            {"route": [{"destination": {"host": "web"}}], "mirror": {"host": "gone"}},
            {"route": [{"destination": {"host": "web"}}], "mirrors": [{"destination": {"host": "lost"}}]},
            {"delegate": {"name": "elsewhere", "namespace": "bank"}},
        ],
        "tcp": [{"route": [{"destination": {"host": "nowhere.bank.svc.cluster.local"}}]}],
        "tls": [{"route": [{"destination": {"host": "db.example"}}]}],
    }
    found = findings(virtual_service(spec), destination_rule({"host": "vanished"}))
    assert [(item.code, item.severity, item.path) for item in found] == [
        ("ML0101", "warning", "spec/host"),
        ("ML0101", "error", "spec/http[0]/route[1]/destination/host"),
        ("ML0101", "error", "spec/http[1]/mirror/host"),
        ("ML0101", "error", "spec/http[2]/mirrors[0]/destination/host"),
        ("ML0101", "error", "spec/tcp[0]/route[0]/destination/host"),
        ("ML0101", "error", "spec/tls[0]/route[0]/destination/host"),
    ]
    card = found[1]
    assert card.object == "VirtualService/shop/cart"
    assert card.cause == "cluster_not_found"
    assert "card.shop.svc.cluster.local" in card.message
    assert card.evidence["nearest"] == ["cart.shop.svc.cluster.local"]
    assert card.next_step is not None
    assert card.next_step.startswith("Is cart.shop.svc.cluster.local meant?")


def test_a_short_name_is_of_the_objects_own_namespace_and_a_dotted_one_is_taken_as_it_stands() -> None:
    assert told(virtual_service(to("cart"))) == []
    assert told(virtual_service(to("cart"), namespace="bank")) != []
    assert told(virtual_service(to("cart.shop.svc.cluster.local"), namespace="bank")) == []
    assert told(virtual_service(to("cart.shop"))) == [("ML0101", "error", "spec/http[0]/route[0]/destination/host")]


def test_service_entries_external_names_and_wildcards_resolve() -> None:
    outside = service_entry({"hosts": ["api.example", "*.wild.example"]})
    alias = mesh_object(
        "v1", "Service", "shop", "alias", {"spec": {"type": "ExternalName", "externalName": "x.example"}}
    )
    for host in ("api.example", "deep.down.wild.example", "alias"):
        assert told(virtual_service(to(host)), outside, alias) == [], host
    assert told(virtual_service(to("wild.example")), outside) != []
    assert told(destination_rule({"host": "*.shop.svc.cluster.local"})) == []
    assert told(destination_rule({"host": "*.wild.example"}), outside) == []
    assert told(destination_rule({"host": "*.tame.example"}), outside) == [("ML0101", "warning", "spec/host")]


def test_export_to_hides_a_host_from_other_namespaces() -> None:
    for export_to, hidden in ((["."], True), (["bank"], False), (["*"], False), (["~"], True), ([".", "shop"], True)):
        entry = service_entry({"hosts": ["api.example"], "exportTo": export_to})
        found = findings(virtual_service(to("api.example"), namespace="bank"), entry)
        assert [item.next_step for item in found] == (
            ["Add bank to exportTo of ServiceEntry/shop/outside."] if hidden else []
        ), export_to
    private = mesh_object(
        "v1", "Service", "shop", "secret", {"spec": {"ports": [{"port": 80}]}},
        annotations=[("networking.istio.io/exportTo", ".")],
    )  # fmt: skip
    assert told(virtual_service(to("secret")), private) == []
    assert told(virtual_service(to("secret.shop.svc.cluster.local"), namespace="bank"), private) != []


def test_the_cluster_domain_is_the_declared_one_and_any_where_none_is_declared() -> None:
    elsewhere = virtual_service(to("cart.shop.svc.corp.internal"), namespace="bank")
    assert told(elsewhere) == []
    injector = mesh_object(
        "v1", "ConfigMap", "istio-system", "istio-sidecar-injector",
        {"data": {"values": '{"global": {"proxy": {"clusterDomain": "corp.internal"}}}'}},
    )  # fmt: skip
    assert told(elsewhere, injector) == []
    assert told(virtual_service(to("cart.shop.svc.cluster.local")), injector) != []


def test_a_namespace_of_which_nothing_is_known_is_information() -> None:
    found = findings(virtual_service(to("cart.unknown.svc.cluster.local")))
    assert [(item.severity, "incomplete" in item.message) for item in found] == [("info", True)]
    known = mesh_object("v1", "Namespace", "", "unknown", {})
    assert told(virtual_service(to("cart.unknown.svc.cluster.local")), known)[0][1] == "error"


def test_a_subset_must_be_defined_by_some_rule_for_its_host() -> None:
    route = virtual_service(to("cart", subset="v2"))
    rule = destination_rule({"host": "cart", "subsets": [{"name": "v1", "labels": {"app": "cart"}}]})
    found = findings(route, rule)
    assert [(item.code, item.path) for item in found] == [("ML0102", "spec/http[0]/route[0]/destination/subset")]
    assert "defines the subset v2" in found[0].message
    assert told(route) == [("ML0102", "error", "spec/http[0]/route[0]/destination/subset")]
    assert told(virtual_service(to("cart", subset="v1")), rule) == []
    wide = destination_rule(
        {"host": "*.shop.svc.cluster.local", "subsets": [{"name": "v2", "labels": {"app": "cart"}}]}
    )
    assert told(route, wide) == []


def test_a_subset_that_selects_no_pod_is_an_error_where_a_route_leads_to_it() -> None:
    rule = destination_rule(
        {
            "host": "cart",
            "subsets": [
                {"name": "v1", "labels": {"app": "cart"}},
                {"name": "v2", "labels": {"app": "cart", "version": "v2"}},
                {"name": "all"},
            ],
        }
    )
    assert told(rule) == [("ML0103", "info", "spec/subsets[1]/labels")]
    assert told(rule, virtual_service(to("cart", subset="v2"))) == [("ML0103", "error", "spec/subsets[1]/labels")]
    scaled_to_zero = mesh_object(
        "apps/v1", "Deployment", "shop", "cart-v2",
        {"spec": {"template": {"metadata": {"labels": {"app": "cart", "version": "v2"}}}}},
    )  # fmt: skip
    assert told(rule, scaled_to_zero) == []
    # Of a host without any known pod nothing can be said.
    assert told(destination_rule({"host": "web", "subsets": [{"name": "v9", "labels": {"version": "v9"}}]})) == []


def test_calls_that_met_the_fault_are_its_evidence(tmp_path: Path) -> None:
    lost: dict[str, Any] = {"response_code": 503, "response_flags": "NC", "response_code_details": "cluster_not_found"}
    objects = [*SHOP, pod("shop", "web-1", "web", "10.0.0.1"), virtual_service(to("gone"))]
    lines = [access_log("logs/web-1/access.log", number, authority="any.example", **lost) for number in range(4)]
    lines.append(access_log("logs/web-1/access.log", 9, authority="other.example", **lost))
    lake = str(tmp_path / "lake")
    Lake.open(lake, create=True).append("ingest", {"mesh_objects": Row.table(objects), "access_logs": Row.table(lines)})
    with open_session(lake) as session:
        (found,) = dangling_host.run(session, Options())
    assert found.evidence["failing_calls"] == 4
    assert found.evidence["callers"] == ["web"]
    assert "4 calls failed there" in found.message


def test_namespaces_limit_whose_objects_are_checked_and_fingerprints_stay() -> None:
    objects = (virtual_service(to("gone")), virtual_service(to("gone"), namespace="bank", name="other"))
    (one,) = findings(*objects, options=Options(namespaces=("bank",)))
    assert one.object == "VirtualService/bank/other"
    again = findings(*objects)
    assert [item.fingerprint for item in again if item.object == one.object] == [one.fingerprint]
    assert len({item.fingerprint for item in again}) == 2
