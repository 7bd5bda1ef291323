"""Limits, connections, rollouts, weights, changes and waypoints, told from calls and configuration together."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from analyzers.framework.analyzer import Options
from tests.support.analyses import found
from tests.support.calls import HOST, START, call

SETTINGS = [{"cluster_domain": "cluster.local", "root_namespace": "istio-system"}]


def configured(
    kind: str, spec: object, *, name: str = "cart", namespace: str = "shop", **columns: object
) -> dict[str, object]:
    return {
        "api_group": "networking.istio.io",
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "object": json.dumps({"spec": spec}),
        **columns,
    }


def pool(most: int) -> dict[str, object]:
    policy = {"connectionPool": {"http": {"http2MaxRequests": most}}}
    return configured("DestinationRule", {"host": "cart", "trafficPolicy": policy})


def test_a_limit_far_above_what_was_used() -> None:
    # Three calls at a time, for a thousand seconds.
    calls = [call(second, seconds=2.5) for second in range(1100)]
    (finding,) = found("unused_limits", calls, objects_now=[pool(1000)], cluster_settings=SETTINGS)
    assert finding.path == "spec/trafficPolicy/connectionPool/http/http2MaxRequests"
    assert (finding.evidence["most"], finding.evidence["limit_value"]) == (3, 1000)
    assert found("unused_limits", calls, objects_now=[pool(300)], cluster_settings=SETTINGS) == []
    assert found("unused_limits", calls[:900], objects_now=[pool(1000)], cluster_settings=SETTINGS) == []


def idle(
    gap: float, count: int, start: float, **columns: object
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Calls on one connection each time it had been idle for `gap` seconds, and their lines."""
    calls = [call(start + number * (gap + 0.005)) | columns for number in range(count)]
    lines = [
        {
            "side": "outbound",
            "transport": "http",
            "upstream_local_address": f"10.0.0.1:{start}",
            "upstream_host": "10.0.0.2:80",
            **{key: row[key] for key in ("source", "source_offset", "start_time", "end_time")},
        }
        for row in calls
    ]
    return calls, lines


def races(*parts: tuple[list[dict[str, object]], list[dict[str, object]]]) -> list[object]:
    calls = [row for part in parts for row in part[0]]
    lines = [row for part in parts for row in part[1]]
    return [finding.evidence["shortest_idle_seconds"] for finding in found("keep_alive_races", calls, log_lines=lines)]


RESET: dict[str, Any] = {"response_flags": "UC", "response_code": 503, "is_error": True}


def test_resets_of_connections_that_were_idle_too_long() -> None:
    (shortest,) = races(idle(2, 50, 0), idle(5.2, 8, 1000, **RESET))
    assert shortest == pytest.approx(5.2, abs=0.01)


def test_resets_after_any_time_are_no_race() -> None:
    assert races(idle(2, 50, 0), idle(0.5, 8, 1000, **RESET)) == []
    assert races(idle(9, 50, 0), idle(5.2, 8, 1000, **RESET)) == []
    assert races(idle(2, 50, 0), idle(5.2, 8, 1000, **RESET, server_lines=1)) == []


def test_failures_that_come_with_rollouts() -> None:
    backends = [{"host": HOST, "namespace": "shop", "pod": name, "workload": "cart"} for name in ("cart-1", "cart-2")]
    gone = [
        {"namespace": "shop", "pod": "cart-1", "gone_from": START + timedelta(seconds=100)},
        {"namespace": "shop", "pod": "cart-2", "gone_from": START + timedelta(seconds=1000)},
    ]
    near = [call(moment + second, **RESET) for moment in (100, 1000) for second in range(4)]
    (finding,) = found("rollout_failures", near, service_backends=backends, pod_absences=gone)
    assert (finding.severity, finding.evidence["near_stops"], finding.evidence["events"]) == ("warning", 8, 2)
    elsewhere = [call(400 + second, **RESET) for second in range(8)]
    assert found("rollout_failures", [*near, *elsewhere], service_backends=backends, pod_absences=gone) == []
    assert found("rollout_failures", near[:4], service_backends=backends, pod_absences=gone[:1]) == []


def weighted(*weights: int) -> dict[str, object]:
    route = [
        {"destination": {"host": "cart", "subset": f"v{number + 1}"}, "weight": weight}
        for number, weight in enumerate(weights)
    ]
    version = configured("VirtualService", {"hosts": ["cart"], "http": [{"route": route}]})
    return version | {"object_json": version.pop("object"), "valid_from": START - timedelta(days=1)}


def split(first: int, second: int) -> list[dict[str, object]]:
    subsets = ["v1"] * first + ["v2"] * second
    return [call(number * 3, subset=subset, authority="cart:80") for number, subset in enumerate(subsets)]


def test_a_canary_that_gets_more_than_its_weight() -> None:
    given: dict[str, Any] = {"object_versions": [weighted(90, 10)], "cluster_settings": SETTINGS}
    names = [{"spelled": "cart", "caller_namespace": "shop", "host": HOST}]
    (finding,) = found("weight_drift", split(200, 100), None, **given, service_names=names)
    assert (finding.object, finding.severity) == ("VirtualService/shop/cart", "warning")
    assert "v2 33 % (weight 10 %)" in finding.message
    assert found("weight_drift", split(268, 32), None, **given, service_names=names) == []
    # Not enough to say.
    assert found("weight_drift", split(40, 20), None, **given, service_names=names) == []


def test_calls_to_a_destination_of_weight_nothing() -> None:
    given: dict[str, Any] = {"object_versions": [weighted(100, 0)], "cluster_settings": SETTINGS}
    names = [{"spelled": "cart", "caller_namespace": "shop", "host": HOST}]
    assert len(found("weight_drift", split(200, 40), None, **given, service_names=names)) == 1


def test_requests_over_another_hosts_connection() -> None:
    lines = [
        {
            "reporter_kind": "gateway",
            "reporter_workload": "gw",
            "authority": "shop.example:443",
            "requested_server_name": "blog.example",
            "response_code": 404,
            "response_flags": "NR",
            "start_time": START + timedelta(minutes=number),
        }
        for number in range(15)
    ]
    (finding,) = found("reused_connections", [], log_lines=lines)
    assert (finding.subject, finding.severity) == ("gw: shop.example over blog.example", "warning")
    same = [line | {"requested_server_name": "shop.example"} for line in lines]
    assert found("reused_connections", [], log_lines=same) == []


def changed(second: float) -> dict[str, Any]:
    at = START + timedelta(seconds=second)
    version = {"kind": "VirtualService", "namespace": "shop", "name": "cart", "valid_from": at}
    return {
        "destination_settings": [version | {"host": HOST, "setting": "any"}],
        "object_versions": [version | {"version_number": 2, "event": "MODIFIED"}],
    }


def test_failures_that_rose_with_a_change() -> None:
    calls = [call(second, is_error=second >= 400 and second % 5 == 0) for second in range(800)]
    (finding,) = found("change_effects", calls, None, **changed(400))
    assert (finding.object, finding.evidence["failures_before"]) == ("VirtualService/shop/cart", 0)
    assert found("change_effects", calls, None, **changed(100)) == []


def test_the_first_version_is_no_change() -> None:
    calls = [call(second, is_error=second >= 400) for second in range(800)]
    first = changed(400)
    first["object_versions"][0] |= {"version_number": 1, "event": "SNAPSHOT"}
    assert found("change_effects", calls, None, **first) == []


def test_calls_past_a_waypoint() -> None:
    labels = {"istio.io/use-waypoint": "waypoint"}
    service = configured("Service", {}, labels=labels, api_group="")
    rule = {"targetRefs": [{"kind": "Service", "name": "cart"}], "rules": [{"to": [{"operation": {"paths": ["/"]}}]}]}
    given: dict[str, Any] = {
        "services": [{"host": HOST, "namespace": "shop", "name": "cart", "kind": "Service"}],
        "service_ports": [{"host": HOST, "port": 80, "protocol": "http"}],
    }
    policy = configured("AuthorizationPolicy", rule)
    tcp = [call(second, protocol="tcp") for second in range(30)]
    (finding,) = found("bypassed_waypoints", tcp, None, **given, objects_now=[service, policy])
    assert finding.evidence["rules"] == ["AuthorizationPolicy/shop/cart"]
    seen = [*tcp, call(40)]
    assert found("bypassed_waypoints", seen, None, **given, objects_now=[service, policy]) == []
    plain = configured("AuthorizationPolicy", {"targetRefs": rule["targetRefs"], "rules": [{}]})
    assert found("bypassed_waypoints", tcp, None, **given, objects_now=[service, plain]) == []


def test_what_no_call_uses() -> None:
    day = [call(second) for second in range(0, 90_000, 100)]
    old: dict[str, Any] = {"created_at": START - timedelta(days=9)}
    subsets = [{"name": "v1"}]
    objects = [
        configured("ServiceEntry", {"hosts": ["api.example"]}, name="api", **old),
        configured("DestinationRule", {"host": "cart", "subsets": subsets}, **old),
        configured("VirtualService", {"hosts": ["cart"]}, **old),
        configured("VirtualService", {"hosts": ["www.example"], "gateways": ["gw"]}, name="www", **old),
        configured("ServiceEntry", {"hosts": ["new.example"]}, name="new", created_at=START + timedelta(hours=3)),
    ]
    unused = found("unused_configuration", day, objects_now=objects, cluster_settings=SETTINGS)
    assert [(finding.object, finding.path) for finding in unused] == [
        ("DestinationRule/shop/cart", "spec/subsets"),
        ("ServiceEntry/shop/api", "spec/hosts"),
    ]
    longer = Options(minimum_window=timedelta(days=2))
    assert found("unused_configuration", day, longer, objects_now=objects, cluster_settings=SETTINGS) == []
