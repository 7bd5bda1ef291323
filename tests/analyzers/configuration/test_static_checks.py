"""Checks of configuration that neither Istio nor Kiali has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analyzers.configuration import (
    cluster_drift,
    hidden_virtual_service,
    idle_envoy_filter,
    lost_subset_weight,
    mtls_conflict,
    policy_never_matches,
    retries_over_timeout,
)
from analyzers.configuration.rules import Rules
from analyzers.mesh.durations import duration_ms
from analyzers.mesh.load import objects_of_text
from analyzers.mesh.model import Mesh
from tests.analyzers.configuration.checking import found, severities
from tests.mesh.meshes import istio, mesh_config, mesh_of, pod, security, service, thing

FULL = ".svc.cluster.local"
RULE = "spec/rules[0]"


def virtual_service(name: str, host: str, *http: dict[str, Any], **spec: object) -> dict[str, Any]:
    return istio("VirtualService", name, {"hosts": [host], "http": list(http), **spec})


def to(host: str, subset: str | None = None, weight: int | None = None) -> dict[str, Any]:
    named = {"host": host, **({"subset": subset} if subset else {})}
    return {"destination": named, **({"weight": weight} if weight is not None else {})}


def rule(name: str, host: str, mode: str | None = None, **spec: object) -> dict[str, Any]:
    policy = {"trafficPolicy": {"tls": {"mode": mode}}} if mode else {}
    return istio("DestinationRule", name, {"host": host, **policy, **spec})


def authentication(name: str, mode: str, app: str | None = None, **ports: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"mtls": {"mode": mode}}
    if app:
        spec["selector"] = {"matchLabels": {"app": app}}
        spec["portLevelMtls"] = {port.removeprefix("p"): {"mode": value} for port, value in ports.items()}
    return security("PeerAuthentication", name, spec)


@pytest.mark.parametrize(
    ("value", "expected"), [("1.5s", 1500.0), ("1h1m", 3_660_000.0), ("0s", 0.0), ("s", None), ("1", None), (3, None)]
)
def test_durations(value: object, expected: float | None) -> None:
    assert duration_ms(value) == expected


@pytest.mark.parametrize(
    ("timeout", "per_try", "attempts", "severity"),
    [
        ("10s", "2s", 3, None),
        ("8s", "2s", 3, None),
        ("7s", "2s", 3, "info"),
        ("5s", "2s", 3, "warning"),
        ("2s", "2s", 3, "warning"),
        ("1s", "2s", 1, "warning"),
        (None, "2s", 3, None),
        ("2s", None, 3, None),
        ("2s", "2s", 0, None),
    ],
)
def test_tries_fit_into_the_timeout(
    timeout: str | None, per_try: str | None, attempts: int, severity: str | None
) -> None:
    retries = {"attempts": attempts, **({"perTryTimeout": per_try} if per_try else {})}
    route = {"route": [to("cart")], "retries": retries, **({"timeout": timeout} if timeout else {})}
    item = virtual_service("shop/v", "cart", route)
    assert severities(retries_over_timeout.check, item) == ([severity] if severity else [])
    if severity:
        assert found(retries_over_timeout.check, item)[0][2] == "spec/http[0]/retries/perTryTimeout"


def policy(*rules: dict[str, Any], **spec: object) -> dict[str, Any]:
    return security("AuthorizationPolicy", "shop/p", {"rules": list(rules), **spec})


def operation(**fields: list[str]) -> dict[str, Any]:
    return {"to": [{"operation": fields}]}


def source(**fields: list[str]) -> dict[str, Any]:
    return {"from": [{"source": fields}]}


def cart(port: int = 80, target: int = 8080, protocol: str = "http") -> list[dict[str, Any]]:
    item = service("shop/cart")
    item["spec"]["ports"] = [{"port": port, "targetPort": target, "name": protocol}]
    return [item, pod("shop/cart", ports=(target,))]


@pytest.mark.parametrize(
    ("rule_given", "path"),
    [
        (operation(ports=["8080"]), None),
        (operation(ports=["80"]), "/to[0]/operation/ports[0]"),
        (operation(ports=["9090"]), None),  # nothing declares it, and it may be there
        (operation(paths=["/a", "*/b", "{*}"]), None),
        (operation(paths=["a/b"]), "/to[0]/operation/paths[0]"),
        (source(principals=["spiffe://cluster.local/ns/a/sa/b"]), "/from[0]/source/principals[0]"),
        (operation(methods=["GET"], notMethods=["GET"]), "/to[0]/operation/methods"),
        (operation(methods=["GET", "PUT"], notMethods=["GET"]), None),
        (operation(paths=["/a/b"], notPaths=["/a/*"]), "/to[0]/operation/paths"),
        (source(requestPrincipals=["*"]), "/from[0]/source/requestPrincipals"),
        ({"when": [{"key": "request.auth.claims[x]", "values": ["y"]}]}, "/when[0]/key"),
    ],
)
def test_rules_that_cannot_match(rule_given: dict[str, Any], path: str | None) -> None:
    expected = [("ML3025", "shop/p", f"{RULE}{path}")] if path else []
    assert found(policy_never_matches.check, *cart(), policy(rule_given)) == expected


def test_tokens_that_somebody_validates() -> None:
    asked = policy(source(requestPrincipals=["*"]))
    for where in ("shop/r", "istio-system/r"):
        assert found(policy_never_matches.check, *cart(), asked, security("RequestAuthentication", where, {})) == []
    other = security("RequestAuthentication", "shop/r", {"selector": {"matchLabels": {"app": "pay"}}})
    assert len(found(policy_never_matches.check, *cart(), asked, other)) == 1


def test_http_fields_for_tcp_ports() -> None:
    asked = operation(methods=["GET"])
    expected = [("ML3025", "shop/p", f"{RULE}/to[0]/operation/methods")]
    assert found(policy_never_matches.check, *cart(protocol="tcp"), policy(asked)) == expected
    assert found(policy_never_matches.check, *cart(protocol="any"), policy(asked)) == []
    assert found(policy_never_matches.check, *cart(protocol="tcp"), policy(asked, action="DENY")) == []


V1 = {"name": "v1", "labels": {"version": "v1"}}
V9 = {"name": "v9", "labels": {"version": "v9"}}
PODS = [service("shop/cart"), pod("shop/cart", labels={"version": "v1"})]


def test_weights_of_empty_subsets() -> None:
    route = virtual_service("shop/v", "cart", {"route": [to("cart", "v1", 75), to("cart", "v9", 25)]})
    assert found(lost_subset_weight.check, *PODS, rule("shop/d", "cart", subsets=[V1, V9]), route) == [
        ("ML3026", "shop/v", "spec/http[0]/route[1]/weight")
    ]
    for weights in ([to("cart", "v1", 100), to("cart", "v9", 0)], [to("cart", "v9")]):
        route = virtual_service("shop/v", "cart", {"route": weights})
        assert found(lost_subset_weight.check, *PODS, rule("shop/d", "cart", subsets=[V1, V9]), route) == []


def test_subsets_that_clients_own_rule_hides() -> None:
    route = virtual_service("shop/v", "cart", {"route": [to("cart", "v1")]})
    theirs = rule("shop/d", "cart", subsets=[V1])
    own = rule("web/d", f"*.shop{FULL}", "ISTIO_MUTUAL")
    expected = [("ML3027", "shop/v", "spec/http[0]/route[0]/destination/subset")]
    assert found(lost_subset_weight.check, *PODS, pod("web/site"), theirs, own, route) == expected
    assert found(lost_subset_weight.check, *PODS, theirs, own, route) == []  # nobody calls from there
    both = rule("web/d", f"cart.shop{FULL}", subsets=[V1])
    assert found(lost_subset_weight.check, *PODS, pod("web/site"), theirs, both, route) == []


def test_virtual_services_that_a_sidecar_hides() -> None:
    def sidecar(*hosts: str) -> dict[str, Any]:
        return istio("Sidecar", "web/s", {"egress": [{"hosts": list(hosts)}]})

    route = virtual_service("routes/v", f"cart.shop{FULL}", {"route": [to(f"cart.shop{FULL}")]})
    expected = [("ML3028", "web/s", "spec/egress")]
    check = hidden_virtual_service.check
    assert found(check, *PODS, route, sidecar("shop/*")) == expected
    assert found(check, *PODS, route, sidecar(f"shop/cart.shop{FULL}")) == expected
    assert found(check, *PODS, route, sidecar("shop/*", "routes/*")) == []
    assert found(check, *PODS, route, sidecar("*/*")) == []
    assert found(check, *PODS, route, sidecar("./*")) == []
    assert found(check, *PODS, virtual_service("shop/v", "cart"), sidecar("shop/*")) == []


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], []),
        ([rule("shop/d", "cart", "DISABLE"), authentication("shop/n", "STRICT")], ["shop/d spec/trafficPolicy/tls"]),
        ([rule("shop/d", "cart", "ISTIO_MUTUAL"), authentication("shop/n", "STRICT")], []),
        (
            [
                rule("web/d", f"cart.shop{FULL}", "DISABLE"),
                authentication("shop/w", "PERMISSIVE", "cart", p80="STRICT"),
            ],
            ["web/d spec/trafficPolicy/tls"],
        ),
        ([rule("ops/d", f"cart.shop{FULL}", "DISABLE"), authentication("shop/n", "STRICT")], []),  # no clients there
        ([authentication("shop/n", "DISABLE"), authentication("shop/w", "STRICT", "cart")], ["shop/w spec/mtls/mode"]),
        ([authentication("shop/w", "STRICT", "cart", p80="DISABLE")], []),  # auto-mTLS sees ports
        ([mesh_config(enableAutoMtls=False), authentication("shop/n", "STRICT")], ["shop/n spec/mtls/mode"]),
        ([rule("shop/d", f"*.shop{FULL}", "DISABLE"), authentication("shop/n", "STRICT")], []),  # client_tls_mismatch
    ],
)
def test_clients_and_servers_that_disagree(objects: list[dict[str, Any]], expected: list[str]) -> None:
    ends = [service("shop/cart"), pod("shop/cart"), pod("web/site")]
    assert [f"{name} {path}" for _, name, path in found(mtls_conflict.check, *ends, *objects)] == expected


def test_a_conflict_names_the_clients_that_break() -> None:
    ends = [service("shop/cart"), pod("shop/cart"), pod("web/site"), pod("ops/bare", proxy=False)]
    mesh = mesh_of(*ends, rule("shop/d", "cart", "DISABLE"), authentication("shop/n", "STRICT"))
    conflict = next(iter(mtls_conflict.check(mesh, Rules())))
    assert conflict.evidence["clients"] == ["shop/cart", "web/site"]
    assert conflict.evidence["decided_by"] == ["DestinationRule shop/d", "PeerAuthentication shop/n"]


def test_ports_that_go_past_the_proxy() -> None:
    past = pod("shop/cart", annotations={"traffic.sidecar.istio.io/excludeInboundPorts": "80"})
    assert found(mtls_conflict.check, service("shop/cart"), past, pod("web/site")) == [
        ("ML3024", "shop/cart", "spec/ports")
    ]
    assert (
        found(
            mtls_conflict.check, service("shop/cart"), past, authentication("shop/w", "STRICT", "cart", p80="DISABLE")
        )
        == []
    )


def envoy_filter(name: str, match: dict[str, Any], labels: dict[str, str] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"configPatches": [{"applyTo": "HTTP_FILTER", "match": match, "patch": {}}]}
    return istio("EnvoyFilter", name, {**spec, **({"workloadSelector": {"labels": labels}} if labels else {})})


@pytest.mark.parametrize(
    ("match", "path"),
    [
        ({"context": "SIDECAR_INBOUND"}, None),
        ({"context": "GATEWAY"}, "context"),
        ({"context": "ANY"}, None),
        ({"proxy": {"proxyVersion": r"^1\.27.*"}}, None),
        ({"proxy": {"proxyVersion": r"^1\.9.*"}}, "proxy/proxyVersion"),
        ({"proxy": {"proxyVersion": "("}}, None),
        ({"cluster": {"service": f"cart.shop{FULL}"}}, None),
        ({"cluster": {"service": f"card.shop{FULL}"}}, "cluster/service"),
        ({"cluster": {"service": f"cart.shop{FULL}", "portNumber": 81}}, "cluster/portNumber"),
        ({"context": "SIDECAR_OUTBOUND", "listener": {"portNumber": 80}}, None),
        ({"context": "SIDECAR_OUTBOUND", "listener": {"portNumber": 9999}}, "listener/portNumber"),
        ({"context": "SIDECAR_INBOUND", "listener": {"portNumber": 9999}}, None),
        (
            {"listener": {"filterChain": {"filter": {"name": "envoy.http_connection_manager"}}}},
            "listener/filterChain/filter/name",
        ),
        ({"listener": {"filterChain": {"filter": {"name": "envoy.filters.network.tcp_proxy"}}}}, None),
    ],
)
def test_patches_that_match_nothing(match: dict[str, Any], path: str | None) -> None:
    expected = [("ML3029", "shop/f", f"spec/configPatches[0]/match/{path}")] if path else []
    assert found(idle_envoy_filter.check, *PODS, envoy_filter("shop/f", match)) == expected


def clusters(*objects: tuple[str, dict[str, Any]]) -> Mesh:
    return Mesh.of(one for cluster, item in objects for one in objects_of_text(json.dumps(item), "", cluster))


def test_drift_between_clusters() -> None:
    def drift(*objects: tuple[str, dict[str, Any]]) -> list[tuple[str, str, object]]:
        findings = cluster_drift.check(clusters(*objects), Rules())
        return [(one.code, one.path or "", one.evidence.get("cluster")) for one in findings]

    slow, fast = (virtual_service("shop/v", "cart", {"route": [to("cart")], "timeout": time}) for time in ("9s", "1s"))
    assert drift(("a", slow), ("b", slow), ("c", fast)) == [("ML3030", "spec/http[0]/timeout", "c")]
    assert drift(("a", slow), ("b", slow)) == []
    shop = thing("v1", "Namespace", "shop")
    assert drift(("a", slow), ("b", slow), ("c", shop)) == [("ML3031", "", "a")]
    assert drift(("a", slow), ("b", shop)) == []
    settings = [mesh_config(trustDomain=name) for name in ("one", "two")]
    assert drift(("a", settings[0]), ("b", settings[1])) == [("ML3032", "data/mesh", "b")]
    assert drift(("a", settings[0]), ("b", settings[0])) == []
