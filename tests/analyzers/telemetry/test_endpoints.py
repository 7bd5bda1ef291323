"""Endpoints compared with their peers, and where calls go."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from analyzers.framework.comparisons import excess_probabilities, unlikely
from tests.support.analyses import found
from tests.support.calls import HOST, START, call

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DAY = timedelta(days=1)


def to(endpoint: int, second: float, **columns: object) -> dict[str, object]:
    reached = {"upstream_host": f"10.0.0.{endpoint}:80", "callee_pod": f"cart-{endpoint}"}
    return call(second) | reached | columns


def spread(calls_of: dict[int, int], **columns: object) -> list[dict[str, object]]:
    """Calls to each endpoint, over twenty minutes."""
    return [
        to(endpoint, second * 1200 / count, **columns)
        for endpoint, count in calls_of.items()
        for second in range(count)
    ]


def pod(name: str, **columns: object) -> dict[str, object]:
    return {"namespace": "shop", "pod": name, "workload": name.rpartition("-")[0], "valid_from": START - DAY, **columns}


PODS = [pod("web-1"), *(pod(f"cart-{number}") for number in range(1, 6))]


def failing(endpoint: int, every: int) -> list[dict[str, object]]:
    return [
        to(endpoint, second, is_error=second % every == 0, response_code=503 if second % every == 0 else 200)
        for second in range(0, 1200, 3)
    ]


def test_one_endpoint_that_fails() -> None:
    (finding,) = found("endpoint_outcomes", [*failing(1, 10_000), *failing(2, 6), *failing(3, 10_000)])
    assert (finding.code, finding.object, finding.severity) == ("ML0618", "Pod/shop/cart-2", "warning")
    assert finding.evidence["peers"] == {"failures": 2, "calls": 800}


def test_endpoints_that_all_fail_alike() -> None:
    assert found("endpoint_outcomes", [*failing(1, 6), *failing(2, 6), *failing(3, 6)]) == []


def test_one_endpoint_that_is_slow() -> None:
    calls = spread({1: 300, 3: 300, 4: 300}) + spread({2: 60}, duration_ms=900)
    (finding,) = found("endpoint_outcomes", calls)
    assert (finding.code, finding.object) == ("ML0658", "Pod/shop/cart-2")


def test_a_slow_version_is_no_bad_host() -> None:
    calls = spread({1: 300, 3: 300}) + spread({2: 300, 4: 300}, duration_ms=900, callee_workload="cart-v2")
    assert found("endpoint_outcomes", calls) == []


def test_many_endpoints_by_chance() -> None:
    # Of 100 endpoints with 2 % failures each some have none and some four: chance explains it.
    calls = [
        to(endpoint, second, is_error=(endpoint * 7 + second * 13) % 50 == 0)
        for endpoint in range(100)
        for second in range(100)
    ]
    assert found("endpoint_outcomes", calls) == []


def test_comparisons_are_those_of_fisher_and_benjamini_hochberg() -> None:
    # Fisher's tea: 3 of 4 against 1 of 4 has P(X >= 3) = 17/70.
    assert excess_probabilities([3], [4], [4], [8])[0] == pytest.approx(17 / 70)
    assert unlikely([0.001, 0.02, 0.009], 0.01) == [True, False, False]
    assert unlikely([]) == []


def test_calls_that_pile_up() -> None:
    ports = [{"host": HOST, "port": 80, "protocol": "auto"}]
    (finding,) = found("endpoint_shares", spread({1: 500, 2: 20, 3: 20}), pods=PODS, service_ports=ports)
    assert (finding.code, finding.side) == ("ML0619", "configuration")
    assert "connections are balanced" in finding.message
    assert found("endpoint_shares", spread({1: 190, 2: 170, 3: 180}), pods=PODS, service_ports=ports) == []


def test_an_endpoint_that_came_late_has_no_even_share() -> None:
    late = [pod("web-1"), pod("cart-1"), pod("cart-2", valid_from=START + timedelta(minutes=15))]
    assert found("endpoint_shares", spread({1: 500, 2: 40}), pods=late) == []


@pytest.mark.parametrize("policy", ['{"consistentHash": {"useSourceIp": true}}', '{"localityLbSetting": {}}'])
def test_uneven_by_policy(policy: str) -> None:
    rule = {
        "kind": "DestinationRule",
        "namespace": "shop",
        "name": "cart",
        "object": f'{{"spec": {{"host": "cart", "trafficPolicy": {{"loadBalancer": {policy}}}}}}}',
    }
    settings = [{"cluster_domain": "cluster.local", "root_namespace": "istio-system"}]
    calls = spread({1: 500, 2: 20, 3: 20})
    assert len(found("endpoint_shares", calls, pods=PODS)) == 1
    assert found("endpoint_shares", calls, pods=PODS, objects_now=[rule], cluster_settings=settings) == []


def node(name: str, zone: str) -> dict[str, object]:
    return {"kind": "Node", "name": name, "labels": {"topology.kubernetes.io/zone": zone}}


def test_calls_that_leave_their_zone() -> None:
    nodes = [node("a", "zone-a"), node("b", "zone-b")]
    placed = [pod("web-1", node="a"), pod("cart-1", node="a"), pod("cart-2", node="b")]
    backends = [{"host": HOST, "namespace": "shop", "pod": name} for name in ("cart-1", "cart-2")]
    tables: dict[str, Iterable[Mapping[str, object]]]
    tables = {"pods": placed, "objects_now": nodes, "service_backends": backends}
    (finding,) = found("cross_zone_calls", spread({1: 20, 2: 80}), None, **tables)
    assert finding.evidence["directions"] == ["zone-a -> zone-b"]
    assert (finding.severity, finding.evidence["crossing"]) == ("info", 80)
    assert found("cross_zone_calls", spread({1: 80, 2: 20}), None, **tables) == []
    # Nobody of the host is near: there is nothing to keep the calls in the zone for.
    far = tables | {"service_backends": backends[1:]}
    assert found("cross_zone_calls", spread({2: 80}), None, **far) == []


def test_calls_to_pods_that_are_gone() -> None:
    absences = [{"namespace": "shop", "pod": "cart-1", "gone_from": START + timedelta(seconds=10)}]
    calls = [to(1, second, is_error=second > 10) for second in range(60)]
    (finding,) = found("stale_endpoints", calls, pod_absences=absences)
    assert finding.evidence["calls"] == 19
    assert finding.object == "Pod/shop/web-1"
    back = [{**absences[0], "gone_to": START + timedelta(seconds=35)}]
    assert found("stale_endpoints", calls, pod_absences=back) == []
