"""Checks of security policies that Kiali has, too, and the cases in which Kiali's were wrong."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.configuration import (
    client_tls_mismatch,
    conflicting_peer_authentication,
    lost_client_tls,
    policy_identity_without_mtls,
    policy_unknown_host,
    policy_unknown_method,
    policy_unknown_principal,
    selector_without_workload,
    workload_without_policy,
)
from tests.analyzers.configuration.checking import found, severities
from tests.mesh.meshes import alias, istio, mesh_config, mesh_of, namespace, pod, security, service, thing

RULE = "spec/rules[0]"


def policy(name: str = "shop/p", *rules: dict[str, Any], **spec: object) -> dict[str, Any]:
    return security("AuthorizationPolicy", name, {"rules": list(rules), **spec})


def operation(**fields: list[str]) -> dict[str, Any]:
    return {"to": [{"operation": fields}]}


def source(**fields: list[str]) -> dict[str, Any]:
    return {"from": [{"source": fields}]}


def authentication(name: str, mode: str, app: str | None = None, age: int = 1, **spec: object) -> dict[str, Any]:
    selector = {"selector": {"matchLabels": {"app": app}}} if app else {}
    return security("PeerAuthentication", name, {"mtls": {"mode": mode}, **selector, **spec}, age=age)


def rule(name: str, host: str, mode: str | None) -> dict[str, Any]:
    return istio(
        "DestinationRule", name, {"host": host, **({"trafficPolicy": {"tls": {"mode": mode}}} if mode else {})}
    )


@pytest.mark.parametrize(
    ("methods", "wrong"),
    [
        (["GET", "POST"], []),
        (["*"], []),
        (["PROP*", "*LOCK"], []),
        (["get"], [0]),
        (["GET", "FETCH", "X*"], [1, 2]),
        (["/shop.Cart/Add"], [0]),
    ],
)
def test_methods(methods: list[str], wrong: list[int]) -> None:
    expected = [("ML2102", "shop/p", f"{RULE}/to[0]/operation/methods[{place}]") for place in wrong]
    assert found(policy_unknown_method.check, policy("shop/p", operation(methods=methods))) == expected


@pytest.mark.parametrize(
    ("hosts", "wrong"),
    [
        (["cart"], []),
        (["cart:8080"], []),
        (["CART"], []),
        (["old"], []),  # an ExternalName Service of another namespace
        (["short"], []),  # a ServiceEntry
        (["anything.example.org"], []),  # kiali#5106: any client may send it
        (["*"], []),
        (["*", "cartt"], []),  # kiali#6460
        (["cart*"], []),
        (["cartt"], [0]),
    ],
)
def test_hosts(hosts: list[str], wrong: list[int]) -> None:
    known = [service("shop/cart"), alias("web/old", "x.example"), istio("ServiceEntry", "web/e", {"hosts": ["short"]})]
    expected = [("ML2104", "shop/p", f"{RULE}/to[0]/operation/hosts[{place}]") for place in wrong]
    assert found(policy_unknown_host.check, *known, policy("shop/p", operation(hosts=hosts))) == expected


@pytest.mark.parametrize(
    ("policies", "paths"),
    [
        ([authentication("shop/n", "DISABLE")], ["/from[0]/source/principals", "/when[0]/key"]),
        ([authentication("istio-system/m", "DISABLE")], ["/from[0]/source/principals", "/when[0]/key"]),
        ([authentication("shop/n", "PERMISSIVE")], []),
        ([], []),
        ([authentication("shop/n", "DISABLE"), authentication("shop/w", "STRICT", "cart")], []),
        (
            [authentication("shop/w", "DISABLE", "cart", portLevelMtls={"80": {"mode": "STRICT"}})],
            [],
        ),
    ],
)
def test_identities_need_mtls(policies: list[dict[str, Any]], paths: list[str]) -> None:
    asked = {**source(principals=["*"]), "when": [{"key": "source.namespace", "values": ["web"]}]}
    expected = [("ML2105", "shop/p", f"{RULE}{path}") for path in paths]
    assert found(policy_identity_without_mtls.check, pod("shop/cart"), policy("shop/p", asked), *policies) == expected
    plain = policy("shop/p", source(ipBlocks=["10.0.0.0/8"]))
    assert found(policy_identity_without_mtls.check, pod("shop/cart"), plain, *policies) == []


@pytest.mark.parametrize(
    ("principal", "code"),
    [
        ("cluster.local/ns/web/sa/site", None),
        ("cluster.local/ns/web/sa/unused", None),  # a ServiceAccount without pods for now
        ("old/ns/web/sa/site", None),  # an alias of the trust domain
        ("*", None),
        ("*/ns/web/sa/site", None),
        ("*/sa/site", None),
        ("cluster.local/ns/web/*", None),
        ("cluster.local/ns/web/sa/sit", "ML2106"),
        ("cluster.local/ns/nowhere/sa/x", None),  # nothing is known of that namespace
        ("partner.example/ns/web/sa/x", "ML2108"),
    ],
)
def test_principals(principal: str, code: str | None) -> None:
    site = pod("web/site")
    site["spec"]["serviceAccountName"] = "site"
    known = [site, thing("v1", "ServiceAccount", "web/unused"), mesh_config(trustDomainAliases=["old"])]
    expected = [(code, "shop/p", f"{RULE}/from[0]/source/principals[0]")] if code else []
    assert found(policy_unknown_principal.check, *known, policy("shop/p", source(principals=[principal]))) == expected


def test_only_the_oldest_peer_authentication_counts() -> None:
    check = conflicting_peer_authentication.check
    assert found(check, authentication("shop/a", "STRICT"), authentication("shop/b", "DISABLE", age=2)) == [
        ("ML2002", "shop/a", "spec/selector"),
        ("ML2002", "shop/b", "spec/selector"),
    ]
    both = [authentication("shop/a", "STRICT", "cart"), authentication("shop/b", "DISABLE", "cart", age=2)]
    assert [code for code, _, _ in found(check, pod("shop/cart"), *both)] == ["ML2003", "ML2003"]
    # Different workloads, and a namespace beside the mesh.
    apart = [authentication("shop/a", "STRICT", "cart"), authentication("shop/b", "DISABLE", "pay")]
    assert found(check, pod("shop/cart"), pod("shop/pay"), *apart) == []
    assert found(check, authentication("shop/a", "STRICT"), authentication("istio-system/m", "STRICT")) == []
    requests = [security("RequestAuthentication", f"shop/{name}", {}) for name in "ab"]
    assert found(check, *requests) == []


def test_selectors_that_pick_nothing() -> None:
    check = selector_without_workload.check
    labels = {"selector": {"matchLabels": {"app": "card"}}}
    objects = [security("RequestAuthentication", "shop/r", labels), istio("EnvoyFilter", "shop/f", {})]
    assert found(check, pod("shop/cart"), *objects) == [("ML2004", "shop/r", "spec/selector/matchLabels")]
    assert found(check, pod("shop/card"), *objects) == []
    assert found(check, pod("other/card"), *objects) == []  # of shop nothing is known
    root = security("RequestAuthentication", "istio-system/r", labels)
    assert found(check, pod("shop/card"), root) == []
    template = thing("apps/v1", "Deployment", "shop/card", {"template": {"metadata": {"labels": {"app": "card"}}}})
    assert found(check, pod("shop/cart"), template, *objects) == []


def test_workloads_without_a_policy() -> None:
    check = workload_without_policy.check
    pods = [namespace("shop"), pod("shop/cart"), pod("shop/pay"), pod("web/site")]
    assert found(check, *pods) == []
    selected = policy("shop/p", selector={"matchLabels": {"app": "cart"}})
    assert found(check, *pods, selected) == [("ML2351", "/shop", ""), ("ML2351", "web/site", "")]
    assert found(check, *pods, policy("istio-system/all")) == []
    assert set(severities(check, *pods, selected)) == {"info"}


AUTO_OFF = mesh_config(enableAutoMtls=False)
MESH, SHOP = "*.local", "*.shop.svc.cluster.local"


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        # kiali#10188: with auto-mTLS neither side needs the other's object.
        ([rule("istio-system/d", MESH, "ISTIO_MUTUAL")], []),
        ([rule("shop/d", SHOP, "ISTIO_MUTUAL")], []),
        ([authentication("istio-system/m", "STRICT")], []),
        ([authentication("shop/n", "STRICT")], []),
        ([AUTO_OFF, rule("istio-system/d", MESH, "ISTIO_MUTUAL")], ["ML2205 istio-system/d"]),
        ([AUTO_OFF, rule("shop/d", SHOP, "ISTIO_MUTUAL")], ["ML2206 shop/d"]),
        (
            [AUTO_OFF, rule("shop/d", SHOP, "ISTIO_MUTUAL"), authentication("istio-system/m", "STRICT")],
            ["ML2401 istio-system/m"],
        ),
        ([AUTO_OFF, rule("istio-system/d", MESH, "ISTIO_MUTUAL"), authentication("istio-system/m", "STRICT")], []),
        ([AUTO_OFF, authentication("shop/n", "STRICT")], ["ML2501 shop/n"]),
        ([AUTO_OFF, authentication("shop/n", "STRICT"), rule("shop/d", SHOP, "ISTIO_MUTUAL")], []),
        ([rule("shop/d", SHOP, "DISABLE"), authentication("shop/n", "STRICT")], ["ML2207 shop/d"]),
        ([rule("shop/d", SHOP, "DISABLE"), authentication("istio-system/m", "STRICT")], ["ML2207 shop/d"]),
        (
            [
                rule("shop/d", SHOP, "DISABLE"),
                authentication("istio-system/m", "STRICT"),
                authentication("shop/n", "PERMISSIVE"),
            ],
            [],
        ),
        (
            [rule("istio-system/d", MESH, "DISABLE"), authentication("istio-system/m", "STRICT")],
            ["ML2208 istio-system/d"],
        ),
        ([rule("istio-system/d", MESH, "DISABLE"), authentication("shop/n", "STRICT")], ["ML2207 istio-system/d"]),
        ([rule("istio-system/d", MESH, "DISABLE")], []),
        ([authentication("shop/n", "DISABLE"), rule("shop/d", SHOP, "ISTIO_MUTUAL")], ["ML2505 shop/n"]),
        ([authentication("shop/n", "DISABLE"), rule("istio-system/d", MESH, "MUTUAL")], ["ML2505 shop/n"]),
        (
            [
                authentication("shop/n", "DISABLE"),
                rule("istio-system/d", MESH, "ISTIO_MUTUAL"),
                rule("shop/d", SHOP, "DISABLE"),
            ],
            [],
        ),
        (
            [authentication("istio-system/m", "DISABLE"), rule("istio-system/d", MESH, "ISTIO_MUTUAL")],
            ["ML2506 istio-system/m"],
        ),
        ([authentication("istio-system/m", "DISABLE")], []),
    ],
)
def test_client_and_server_tls_of_a_mesh_and_of_namespaces(objects: list[dict[str, Any]], expected: list[str]) -> None:
    assert [f"{code} {name}" for code, name, _ in found(client_tls_mismatch.check, *objects)] == expected


def test_tls_lost_to_a_narrower_rule() -> None:
    check = lost_client_tls.check
    wide, narrow = rule("istio-system/d", MESH, "ISTIO_MUTUAL"), rule("shop/cart", "cart", None)
    assert found(check, wide, narrow) == []  # auto-mTLS sends it anyway
    assert found(check, AUTO_OFF, wide, narrow) == [("ML2204", "shop/cart", "spec/trafficPolicy")]
    assert found(check, AUTO_OFF, wide, rule("shop/cart", "cart", "DISABLE")) == []
    assert found(check, AUTO_OFF, rule("other/d", MESH, "ISTIO_MUTUAL"), narrow) == []


@pytest.mark.parametrize("value", [None, 7, "text", [1, {"from": 3}], {"from": "x"}])
def test_documents_of_any_shape_are_borne(value: object) -> None:
    objects = [
        security(kind, "shop/x", {"rules": value, "selector": value, "mtls": value, "portLevelMtls": value})
        for kind in ("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication")
    ]
    mesh = mesh_of(pod("shop/cart"), service("shop/cart"), *objects)
    for module in (policy_unknown_method, policy_unknown_host, policy_identity_without_mtls, policy_unknown_principal):
        assert module.ANALYZER.codes
        assert list(module.check(mesh, module_rules())) == []


def module_rules() -> Any:  # noqa: ANN401  # rules are data of the checks
    from analyzers.configuration.rules import Rules

    return Rules()
