"""AuthorizationPolicy: which rule decides, and what a denied call lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzers.mesh.policy import Decision, decide
from analyzers.mesh.policy_matches import Call, matches_text
from analyzers.mesh.workloads import workloads_of
from tests.mesh.meshes import mesh_config, mesh_of, namespace, pod, security

SITE = "cluster.local/ns/web/sa/site"


def policy(
    name: str,
    action: str | None,
    *rules: dict[str, Any],
    annotations: dict[str, str] | None = None,
    **spec: dict[str, Any] | list[Any],
) -> dict[str, Any]:
    written = {**({"action": action} if action else {}), **({"rules": list(rules)} if rules else {}), **spec}
    return security("AuthorizationPolicy", name, written, annotations=annotations or {})


def source(**fields: list[str]) -> dict[str, Any]:
    return {"from": [{"source": fields}]}


def operation(**fields: list[str]) -> dict[str, Any]:
    return {"to": [{"operation": fields}]}


def call(**known: object) -> Call:
    told = Call(SITE, 80, "GET", "/a/b", "cart", {"x-tier": "gold"}, source_ip="10.0.0.7")
    return replace(told, **known)  # type: ignore[arg-type]  # fields by name, each with its own type


def decided(*objects: dict[str, Any], on: Call | None = None) -> Decision:
    kinds = {item["kind"] for item in objects}
    mesh = mesh_of(*objects, *([] if "Pod" in kinds else [pod("shop/cart")]))
    return decide(mesh, workloads_of(mesh).selected("shop", {"app": "cart"})[0], on or call())


@pytest.mark.parametrize(
    ("policies", "outcome", "path"),
    [
        ([], "allowed", None),
        ([policy("shop/p", None)], "denied", None),
        ([policy("shop/p", None, {})], "allowed", "spec/rules[0]"),
        ([policy("shop/p", "DENY")], "allowed", None),
        ([policy("shop/p", "DENY", {})], "denied", "spec/rules[0]"),
        ([policy("shop/a", None, {}), policy("shop/d", "DENY", operation(methods=["GET"]))], "denied", "spec/rules[0]"),
        ([policy("shop/a", "AUDIT", {})], "allowed", None),
        ([policy("shop/c", "CUSTOM", {}), policy("shop/d", "DENY", {})], "denied", "spec/rules[0]"),
        ([policy("shop/c", "CUSTOM", {}), policy("shop/a", "ALLOW", {})], "custom", "spec/rules[0]"),
        ([policy("shop/c", "CUSTOM", {}), policy("shop/a", "ALLOW")], "denied", None),
        ([policy("istio-system/p", None)], "denied", None),
        ([policy("other/p", None)], "allowed", None),
        ([policy("shop/p", None, selector={"matchLabels": {"app": "other"}})], "allowed", None),
        ([policy("istio-system/p", None, selector={"matchLabels": {"app": "cart"}})], "denied", None),
        ([policy("shop/p", None, targetRefs=[{"kind": "Service", "name": "cart"}])], "allowed", None),
        ([policy("shop/p", None, annotations={"istio.io/dry-run": "true"})], "allowed", None),
    ],
)
def test_order_and_scope(policies: list[dict[str, Any]], outcome: str, path: str | None) -> None:
    found = decided(*policies)
    assert (found.outcome, found.rule and found.rule.path) == (outcome, path)


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (source(principals=[SITE]), True),
        (source(principals=["*/sa/site"]), True),
        (source(principals=["*"]), True),
        (source(notPrincipals=[SITE]), False),
        (source(namespaces=["web"]), True),
        (source(namespaces=["we*"]), True),
        (source(namespaces=["shop"]), False),
        (source(serviceAccounts=["web/site"]), True),
        (source(serviceAccounts=["site"]), True),
        (source(ipBlocks=["10.0.0.0/24"]), True),
        (source(notIpBlocks=["10.0.0.7"]), False),
        (operation(methods=["POST", "GET"]), True),
        (operation(paths=["/a/*"]), True),
        (operation(paths=["/a/{*}"]), True),
        (operation(paths=["/{*}"]), False),
        (operation(paths=["/{**}"]), True),
        (operation(notPaths=["/a*"]), False),
        (operation(hosts=["CART"]), True),
        (operation(ports=["80"]), True),
        (operation(ports=["8080"]), False),
        ({"when": [{"key": "request.headers[X-Tier]", "values": ["gold"]}]}, True),
        ({"when": [{"key": "request.headers[x-tier]", "notValues": ["gold"]}]}, False),
        ({"when": [{"key": "source.namespace", "values": ["web"]}]}, True),
        ({"when": [{"key": "destination.port", "values": ["81"]}]}, False),
        ({**source(namespaces=["web"]), **operation(methods=["POST"])}, False),
        ({"from": [{"source": {"namespaces": ["x"]}}, {"source": {"namespaces": ["web"]}}]}, True),
        ({"from": [{"source": {"namespaces": ["web"], "ipBlocks": ["1.2.3.4"]}}]}, False),
    ],
)
def test_fields(rule: dict[str, Any], matches: bool) -> None:
    assert decided(policy("shop/p", "ALLOW", rule)).outcome == ("allowed" if matches else "denied")
    assert decided(policy("shop/p", "DENY", rule)).outcome == ("denied" if matches else "allowed")


def test_a_denial_names_the_nearest_rule_and_the_field_that_fails() -> None:
    far = {**source(namespaces=["ops"]), **operation(methods=["POST"], paths=["/x"])}
    near = {**source(namespaces=["web"]), **operation(methods=["POST", "PUT"], paths=["/a/*"])}
    found = decided(policy("shop/far", "ALLOW", far), policy("shop/near", "ALLOW", far, near))
    assert found.outcome == "denied"
    assert found.nearest is not None
    assert found.failure is not None
    assert (found.nearest.item.name, found.nearest.path) == ("near", "spec/rules[1]")
    assert found.failure.path == "spec/rules[1]/to[0]/operation/methods"
    assert (found.failure.wanted, found.failure.found) == (("POST", "PUT"), "GET")


def test_without_mtls_there_is_no_identity() -> None:
    found = decided(policy("shop/p", "ALLOW", source(principals=["*"])), on=call(principal=""))
    assert (found.outcome, found.failure and found.failure.found) == ("denied", "nothing")
    assert decided(policy("shop/p", "ALLOW", source(notNamespaces=["web"])), on=call(principal="")).outcome == "allowed"


@pytest.mark.parametrize(
    ("policies", "outcome"),
    [
        ([policy("shop/p", "ALLOW", operation(paths=["/x"]))], "unknown"),
        ([policy("shop/p", "ALLOW", operation(paths=["/x"], methods=["POST"]))], "denied"),
        ([policy("shop/p", "DENY", operation(paths=["/x"]))], "unknown"),
        ([policy("shop/p", "DENY", operation(paths=["/x"])), policy("shop/a", "ALLOW")], "denied"),
        ([policy("shop/p", "ALLOW", {"when": [{"key": "request.auth.claims[x]", "values": ["y"]}]})], "unknown"),
        ([policy("shop/c", "CUSTOM", operation(paths=["/x"])), policy("shop/d", "DENY", {})], "denied"),
        ([policy("shop/c", "CUSTOM", operation(paths=["/x"]))], "unknown"),
    ],
)
def test_what_is_not_known_is_not_guessed(policies: list[dict[str, Any]], outcome: str) -> None:
    assert decided(*policies, on=call(path=None)).outcome == outcome


def test_dry_runs_say_what_they_would_do() -> None:
    found = decided(policy("shop/p", "DENY", {}, annotations={"istio.io/dry-run": "true"}))
    assert (found.outcome, [rule.path for rule in found.shadow]) == ("allowed", ["spec/rules[0]"])


def test_http_fields_on_tcp_allow_nothing_and_deny_more() -> None:
    rule = operation(methods=["GET"], ports=["80"])
    assert decided(policy("shop/p", "ALLOW", rule), on=call(is_http=False)).outcome == "denied"
    assert decided(policy("shop/p", "DENY", rule), on=call(is_http=False)).outcome == "denied"
    ambient = [namespace("shop", **{"istio.io/dataplane-mode": "ambient"}), pod("shop/cart", proxy=False)]
    assert decided(policy("shop/p", "ALLOW", rule), *ambient).outcome == "denied"


def test_names_of_one_trust_domain() -> None:
    config = mesh_config(trustDomain="new", trustDomainAliases=["old"])
    old = policy("shop/p", "ALLOW", source(principals=["old/ns/web/sa/site"]))
    assert decided(config, old, on=call(principal="new/ns/web/sa/site")).outcome == "allowed"
    assert decided(config, old, on=call(principal="other/ns/web/sa/site")).outcome == "denied"


def test_patterns() -> None:
    assert matches_text("a*", "abc")
    assert matches_text("*c", "abc")
    assert not matches_text("a", "abc")
    assert not matches_text("*", "")
