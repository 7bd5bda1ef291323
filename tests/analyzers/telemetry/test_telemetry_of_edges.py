"""Protocols, rate limits, proxies that are missing and proxies that disagree."""

from __future__ import annotations

from tests.support.analyses import found
from tests.support.calls import HOST, call

PORT = {"kind": "Service", "namespace": "shop", "name": "cart", "host": HOST, "port": 80, "port_name": "http"}


def minutes(count: int, **columns: object) -> list[dict[str, object]]:
    return [call(number * 20) | columns for number in range(count)]


def test_a_port_declared_http_that_is_tcp() -> None:
    ports = [PORT | {"protocol": "http"}]
    (finding,) = found("protocol_mismatches", minutes(40, protocol="tcp"), service_ports=ports)
    assert (finding.code, finding.severity, finding.object) == ("ML0627", "warning", "Service/shop/cart")
    mixed = minutes(40, protocol="tcp") + minutes(5)
    assert found("protocol_mismatches", mixed, service_ports=ports) == []
    assert found("protocol_mismatches", minutes(19, protocol="tcp"), service_ports=ports) == []


def test_http_on_an_undeclared_port() -> None:
    (finding,) = found("protocol_mismatches", minutes(40), service_ports=[PORT | {"protocol": "auto"}])
    assert finding.code == "ML0657"
    assert found("protocol_mismatches", minutes(40), service_ports=[PORT | {"protocol": "http"}]) == []


def test_answers_that_cannot_be_read() -> None:
    broken = minutes(30, response_flags="UPE", is_error=True, response_code=502)
    (finding,) = found("protocol_mismatches", broken, service_ports=[PORT | {"protocol": "http"}])
    assert finding.evidence["unreadable"] == 30


def test_a_rate_limit_that_one_caller_uses_up() -> None:
    refused = {"response_flags": "RL", "response_code": 429}
    heavy = minutes(300, caller="batch") + minutes(30, caller="batch", **refused)
    others = minutes(30) + minutes(10, **refused)
    (finding,) = found("rate_limited_callers", [*heavy, *others])
    assert finding.edges[0].caller == "batch"
    assert "10 of them of others" in finding.message
    assert found("rate_limited_callers", heavy) == []


POD = {"namespace": "shop", "has_proxy": True}
WITH_PROXY = [POD | {"pod": "web-1", "workload": "web"}, POD | {"pod": "cart-1", "workload": "cart"}]


def test_traffic_of_a_workload_without_a_proxy() -> None:
    outside = {"pod": "cart-1", "workload": "cart", "workload_kind": "Deployment", "has_proxy": False}
    pods = [WITH_PROXY[0], POD | outside]
    (finding,) = found("uninjected_traffic", minutes(30), pods=pods)
    assert (finding.object, finding.evidence["calls_to"]) == ("Deployment/shop/cart", 30)
    assert found("uninjected_traffic", minutes(30), pods=WITH_PROXY) == []
    ambient = [WITH_PROXY[0], POD | outside | {"annotations": {"ambient.istio.io/redirection": "enabled"}}]
    assert found("uninjected_traffic", minutes(30), pods=ambient) == []


def test_an_edge_of_which_the_callee_logs_nothing() -> None:
    (finding,) = found("half_seen_edges", minutes(30), pods=WITH_PROXY)
    assert "mostly the callee's" in finding.message
    both = minutes(30, reporter="both", server_lines=1)
    assert found("half_seen_edges", both, pods=WITH_PROXY) == []
    # A pod without a proxy logs nothing, and a call that failed on its way was never there.
    assert found("half_seen_edges", minutes(30), pods=[WITH_PROXY[0], WITH_PROXY[1] | {"has_proxy": False}]) == []
    assert found("half_seen_edges", minutes(30, is_error=True), pods=WITH_PROXY) == []


def test_proxies_that_disagree() -> None:
    seen = {"reporter": "both", "server_lines": 1, "server_response_code": 200}
    cut = minutes(8, response_code=504, response_flags="UT", is_error=True, **seen)
    (finding,) = found("differing_reports", [*cut, *minutes(30, response_code=200, **seen)])
    assert (finding.side, finding.evidence["calls"]) == ("caller_proxy", 8)
    lost = minutes(8, response_code=503, response_flags="UC", is_error=True, **seen)
    assert [finding.side for finding in found("differing_reports", lost)] == ["network"]
    retried = minutes(8, response_code=200, **seen | {"server_lines": 2, "server_response_code": 503})
    assert found("differing_reports", retried) == []
