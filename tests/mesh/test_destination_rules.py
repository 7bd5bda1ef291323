"""Which DestinationRule holds for a client, and what it says for a port and a subset."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.mesh.destination_rules import destination_rules_of
from tests.mesh.meshes import istio, mesh_config, mesh_of

HOST = "cart.shop.svc.cluster.local"


def rule(name: str, host: str = HOST, age: int = 1, **spec: object) -> dict[str, Any]:
    return istio("DestinationRule", name, {"host": host, **spec}, age=age)


@pytest.mark.parametrize(
    ("rules", "client", "expected"),
    [
        ([rule("client/r"), rule("shop/r"), rule("istio-system/r")], "client", "client"),
        ([rule("shop/r"), rule("istio-system/r")], "client", "shop"),
        ([rule("istio-system/r", "*.local")], "client", "istio-system"),
        ([rule("other/r")], "client", None),
        ([rule("client/r", "*.shop.svc.cluster.local"), rule("shop/r")], "client", "client"),
        ([rule("shop/r", exportTo=["."]), rule("istio-system/r")], "client", "istio-system"),
        ([rule("shop/r", exportTo=["client"])], "client", "shop"),
        ([rule("shop/r", exportTo=["."])], "shop", "shop"),
        ([rule("shop/r", exportTo=["client"])], "shop", None),
        ([rule("istio-system/r"), rule("shop/r")], "istio-system", "shop"),
        ([rule("istio-system/r", exportTo=["."]), rule("shop/r")], "istio-system", "istio-system"),
        ([rule("shop/r", "cart")], "client", "shop"),
        ([rule("shop/r"), mesh_config(defaultDestinationRuleExportTo=["."])], "client", None),
    ],
)
def test_lookup(rules: list[dict[str, Any]], client: str, expected: str | None) -> None:
    found = destination_rules_of(mesh_of(*rules)).of(HOST, "shop", client)
    assert (found and found.namespace) == expected


def test_rules_with_a_workload_selector_hold_for_those_workloads_at_home() -> None:
    selector = {"matchLabels": {"app": "web"}}
    rules = destination_rules_of(
        mesh_of(rule("shop/general", age=1), rule("shop/web", age=2, workloadSelector=selector, exportTo=["*"]))
    )
    for client, app, expected in (("shop", "web", "web"), ("shop", "db", "general"), ("other", "web", "general")):
        found = rules.of(HOST, "shop", client, {"app": app})
        assert found is not None
        assert found.items[0].name == expected


def test_rules_of_one_host_are_merged() -> None:
    rules = destination_rules_of(
        mesh_of(
            rule("shop/old", age=1, subsets=[{"name": "v1", "labels": {"version": "v1"}}]),
            rule(
                "shop/young", age=2, trafficPolicy={"tls": {"mode": "SIMPLE"}}, subsets=[{"name": "v1"}, {"name": "v2"}]
            ),
        )
    )
    found = rules.of(HOST, "shop", "client")
    assert found is not None
    assert [(one.name, one.item.name) for one in found.subsets] == [("v1", "old"), ("v2", "young")]
    assert found.subsets[0].labels == {"version": "v1"}
    assert [item.name for item in found.items] == ["old", "young"]
    assert found.policy_item.name == "young"


def test_what_holds_for_a_port_and_a_subset() -> None:
    policy = {
        "tls": {"mode": "ISTIO_MUTUAL"},
        "portLevelSettings": [{"port": {"number": 80}}, {"port": {"number": 81}, "tls": {"mode": "SIMPLE"}}],
    }
    subsets = [
        {"name": "plain", "trafficPolicy": {"tls": {"mode": "DISABLE"}}},
        {"name": "same"},
        {"name": "port", "trafficPolicy": {"portLevelSettings": [{"port": {"number": 81}}]}},
    ]
    found = destination_rules_of(mesh_of(rule("shop/r", trafficPolicy=policy, subsets=subsets))).of(HOST, "shop", "c")
    assert found is not None
    cases = {
        (82, None): ("ISTIO_MUTUAL", "spec/trafficPolicy/tls"),
        # Settings of a port replace all of the host's, also those that they leave out.
        (80, None): (None, "spec/trafficPolicy/portLevelSettings[0]"),
        (81, None): ("SIMPLE", "spec/trafficPolicy/portLevelSettings[1]/tls"),
        (82, "plain"): ("DISABLE", "spec/subsets[0]/trafficPolicy/tls"),
        (81, "same"): ("SIMPLE", "spec/trafficPolicy/portLevelSettings[1]/tls"),
        (81, "port"): (None, "spec/subsets[2]/trafficPolicy/portLevelSettings[0]"),
        (82, "missing"): ("ISTIO_MUTUAL", "spec/trafficPolicy/tls"),
    }
    for (port, subset), (mode, path) in cases.items():
        setting = found.setting("tls", port, subset)
        assert (setting.value["mode"] if isinstance(setting.value, dict) else None, setting.path) == (mode, path)
