"""Checks of routing objects that Kiali has, too, and the cases in which Kiali's were wrong."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.configuration import (
    old_gateway_name,
    overlapping_destination_rules,
    overlapping_service_entries,
    route_weights,
    sidecar_defaults,
    sidecar_unknown_host,
    subset_without_labels,
    undeclared_target_port,
    unknown_application_protocol,
    unknown_export_namespace,
    workload_groups,
)
from tests.analyzers.configuration.checking import found, severities
from tests.mesh.meshes import istio, namespace, pod, service, thing

FULL = ".svc.cluster.local"
V1 = {"name": "v1", "labels": {"version": "v1"}}


def rule(name: str, host: str = "cart", age: int = 1, **spec: object) -> dict[str, Any]:
    return istio("DestinationRule", name, {"host": host, **spec}, age=age)


def entry(name: str, age: int = 1, protocol: str = "TLS", **spec: object) -> dict[str, Any]:
    ports = [{"number": 443, "name": "tls", "protocol": protocol}]
    return istio("ServiceEntry", name, {"hosts": ["api.example"], "ports": ports, **spec}, age=age)


@pytest.mark.parametrize(
    ("newer", "expected"),
    [
        (rule("shop/b", age=2, subsets=[V1]), ["spec/subsets[0]/name"]),
        (rule("shop/b", age=2, trafficPolicy={"tls": {"mode": "DISABLE"}}), ["spec/trafficPolicy"]),
        (rule("shop/b", "cart.shop" + FULL, age=2, subsets=[V1]), ["spec/subsets[0]/name"]),
        (rule("shop/b", age=2, subsets=[{"name": "v2"}]), []),  # merged
        (rule("shop/b", "*.shop" + FULL, age=2, subsets=[V1]), []),  # kiali#10125: a wildcard is another host
        (rule("other/b", "cart.shop" + FULL, age=2, subsets=[V1]), []),
        (rule("shop/b", age=2, subsets=[V1], exportTo=["."]), []),
        (rule("shop/b", age=2, subsets=[V1], workloadSelector={"matchLabels": {"app": "x"}}), []),
    ],
)
def test_parts_of_rules_that_are_dropped(newer: dict[str, Any], expected: list[str]) -> None:
    older = rule("shop/a", subsets=[V1], trafficPolicy={"tls": {"mode": "SIMPLE"}})
    paths = [(name, path) for _, name, path in found(overlapping_destination_rules.check, older, newer)]
    assert paths == [("shop/b", path) for path in expected]


def test_subsets_without_labels() -> None:
    subsets = [V1, {"name": "all"}, {"name": "tls", "trafficPolicy": {"tls": {"mode": "SIMPLE"}}}]
    assert found(subset_without_labels.check, rule("shop/a", subsets=subsets)) == [
        ("ML2209", "shop/a", "spec/subsets[1]")
    ]


@pytest.mark.parametrize(
    ("stated", "severity"),
    [
        ("http", None),
        ("HTTP2", None),
        ("kubernetes.io/h2c", None),
        ("example.com/own", None),
        ("htpp", "warning"),
        ("amqp", "info"),  # kiali#4486: legal, and not Istio's
        (None, None),
    ],
)
def test_application_protocols(stated: str | None, severity: str | None) -> None:
    item = service("shop/cart")
    item["spec"]["ports"][0]["appProtocol"] = stated
    assert severities(unknown_application_protocol.check, item) == ([severity] if severity else [])


def test_target_ports() -> None:
    check = undeclared_target_port.check
    item = service("shop/cart", 80)
    assert found(check, item, pod("shop/cart")) == []
    assert severities(check, item, pod("shop/cart", ports=(8080,))) == ["info"]
    assert found(check, item, pod("shop/cart", ports=())) == []  # to declare ports is optional
    assert found(check, item) == []
    item["spec"]["ports"][0]["targetPort"] = "web"
    assert found(check, item, pod("shop/cart")) == [("ML2701", "shop/cart", "spec/ports[0]/targetPort")]
    assert severities(check, item, pod("shop/cart")) == ["warning"]
    item["spec"]["ports"][0]["targetPort"] = "p80"
    assert found(check, item, pod("shop/cart")) == []


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("shop/cart.shop" + FULL, True),
        ("./site.web" + FULL, True),
        ("./cart.shop" + FULL, False),
        ("*/api.example", True),
        ("shop/*", True),
        ("nowhere/*", True),
        ("~/*", True),
        ("shop/*.shop" + FULL, True),
        ("*/*.nowhere" + FULL, False),
        ("shop/cart", False),
        ("shop/only.example", True),
    ],
)
def test_hosts_of_sidecars(host: str, known: bool) -> None:
    mesh = [
        service("shop/cart"),
        service("web/site"),
        entry("shop/e"),
        istio("VirtualService", "shop/v", {"hosts": ["only.example"]}),
    ]
    sidecar = istio("Sidecar", "web/s", {"egress": [{"hosts": ["./*", host]}]})
    expected = [] if known else [("ML2054", "web/s", "spec/egress[0]/hosts[1]")]
    assert found(sidecar_unknown_host.check, *mesh, sidecar) == expected


def test_sidecars_that_do_not_mean_what_they_seem_to() -> None:
    selecting = istio("Sidecar", "istio-system/s", {"workloadSelector": {"labels": {"app": "cart"}}})
    assert found(sidecar_defaults.check, selecting) == [("ML2056", "istio-system/s", "spec/workloadSelector")]
    assert found(sidecar_defaults.check, selecting, pod("istio-system/cart")) == []
    empty = istio("Sidecar", "shop/s", {"outboundTrafficPolicy": {}})
    assert found(sidecar_defaults.check, empty) == [("ML2057", "shop/s", "spec/outboundTrafficPolicy/mode")]
    assert found(sidecar_defaults.check, istio("Sidecar", "shop/s", {})) == []


def to(host: str, weight: int | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # parts of a route
    return {
        "destination": {"host": host, **more.pop("destination", {})},
        **({"weight": weight} if weight else {}),
        **more,
    }


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([to("cart", 50)], [("ML2154", "spec/http[0]/route[0]/weight")]),
        ([to("cart", 100)], []),
        ([to("cart")], []),
        ([to("cart", 50), to("pay", 50)], []),
        ([to("cart", 50), to("cart.shop" + FULL, 50)], [("ML2155", "spec/http[0]/route[1]/destination/host")]),
        ([to("cart", 50), to("cart", 50, destination={"subset": "v1"})], []),
        ([to("cart", 50), to("cart", 50, destination={"port": {"number": 81}})], []),
        ([to("cart", 50), to("cart", 50, headers={"request": {"set": {"x-canary": "1"}}})], []),
    ],
)
def test_weights(targets: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    item = istio("VirtualService", "shop/v", {"hosts": ["cart"], "http": [{"route": targets}]})
    assert [(code, path) for code, _, path in found(route_weights.check, item)] == expected


def test_old_names_of_gateways() -> None:
    match = {"match": [{"gateways": ["front.edge"]}]}
    item = istio("VirtualService", "shop/v", {"gateways": ["mesh", "edge/front", f"front.edge{FULL}"], "http": [match]})
    assert found(old_gateway_name.check, item) == [
        ("ML2158", "shop/v", "spec/gateways[2]"),
        ("ML2158", "shop/v", "spec/http[0]/match[0]/gateways[0]"),
    ]


@pytest.mark.parametrize(
    ("other", "count"),
    [
        (entry("web/b", age=2), 2),
        (entry("web/b", age=2, exportTo=["web"]), 2),
        (entry("web/b", age=2, hosts=["b.example"]), 0),
        (entry("web/b", age=2, protocol="HTTP"), 0),  # told by the check of protocols
    ],
)
def test_hosts_of_several_entries(other: dict[str, Any], count: int) -> None:
    assert len(found(overlapping_service_entries.check, entry("shop/a"), other)) == count


def test_entries_that_nobody_sees_both_of() -> None:
    apart = [entry("shop/a", exportTo=["."]), entry("web/b", exportTo=["."])]
    assert found(overlapping_service_entries.check, *apart) == []


def test_exports_to_unknown_namespaces() -> None:
    objects = [
        namespace("web"),
        istio("VirtualService", "shop/v", {"exportTo": ["web", ".", "*", "~", "wbe"]}),
        service("shop/cart", annotations={"networking.istio.io/exportTo": "web, gone"}),
    ]
    assert found(unknown_export_namespace.check, *objects) == [
        ("ML2005", "shop/cart", "metadata/annotations/networking.istio.io/exportTo"),
        ("ML2005", "shop/v", "spec/exportTo[4]"),
    ]
    assert found(unknown_export_namespace.check, *objects[1:]) == []


def test_workload_groups() -> None:
    def group(name: str, labels: dict[str, str], account: str = "vm") -> dict[str, Any]:
        spec = {"metadata": {"labels": labels}, "template": {"serviceAccount": account}}
        return istio("WorkloadGroup", name, spec)

    account = thing("v1", "ServiceAccount", "shop/vm")
    alike = [group("shop/a", {"app": "x"}), group("shop/b", {"app": "x"}), group("web/c", {"app": "x"})]
    assert found(workload_groups.check, *alike) == [
        ("ML2752", "shop/a", "spec/metadata/labels"),
        ("ML2752", "shop/b", "spec/metadata/labels"),
    ]
    assert found(workload_groups.check, account, group("shop/a", {"app": "x"}, "mv")) == [
        ("ML2751", "shop/a", "spec/template/serviceAccount")
    ]
    assert found(workload_groups.check, account, group("shop/a", {"app": "x"})) == []
