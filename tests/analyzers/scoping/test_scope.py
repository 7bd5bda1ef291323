from __future__ import annotations

import pytest

from analyzers.scoping.benefit import CLUSTER_BYTES, ENDPOINT_BYTES, MTLS_BYTES, PROXY_BYTES, load, subset_counts
from analyzers.scoping.replay import broken, judge, replay
from analyzers.scoping.scope import Loss, lost, scope_of
from tests.analyzers.scoping.meshes import call, mesh_of, service, service_entry

FULL = ".svc.cluster.local"
CANARY = """
kind: VirtualService
namespace: platform
name: reviews
spec:
  hosts: [reviews.prod.svc.cluster.local]
  http:
    - delegate: {name: split, namespace: prod}
      mirrors: [{destination: {host: shadow.dark.svc.cluster.local}}]
---
kind: VirtualService
namespace: prod
name: split
spec:
  http: [{route: [{destination: {host: reviews}, weight: 100}, {destination: {host: canary}, weight: 0}]}]
"""
SERVICES = [service("prod", "reviews"), service("prod", "canary"), service("dark", "shadow"), service("prod", "other")]


@pytest.mark.parametrize(
    ("hosts", "listeners", "clusters"),
    [
        ([f"prod/reviews.prod{FULL}"], ["reviews"], ["reviews"]),
        ([f"platform/reviews.prod{FULL}"], [], ["canary", "reviews", "shadow"]),
        (
            [f"prod/reviews.prod{FULL}", f"platform/reviews.prod{FULL}"],
            ["reviews"],
            ["canary", "reviews", "shadow"],
        ),
        (["prod/*"], ["canary", "other", "reviews"], ["canary", "other", "reviews"]),
        (["*/*"], ["canary", "other", "reviews", "shadow"], ["canary", "other", "reviews", "shadow"]),
        (["./*"], [], []),
        (["~/*"], [], []),
        ([f"*/*.dark{FULL}"], ["shadow"], ["shadow"]),
    ],
)
def test_import_sets(hosts: list[str], listeners: list[str], clusters: list[str]) -> None:
    scope = scope_of(mesh_of(SERVICES, CANARY), "shop", hosts)
    assert sorted(found.name for found in scope.listeners.values()) == listeners
    assert sorted(found.name for found in scope.clusters.values()) == clusters


def because(loss: Loss | None) -> str | None:
    return None if loss is None else loss.because


def test_what_is_not_exported_is_not_imported() -> None:
    scope = scope_of(mesh_of([service("b", "x", export_to=(".",))]), "shop", ["b/*"])
    assert scope.listeners == {}


def test_what_a_call_loses() -> None:
    mesh = mesh_of(SERVICES, CANARY)
    canary = call(f"canary.prod{FULL}", requested="reviews.prod")
    whole = scope_of(mesh, "shop", [f"prod/reviews.prod{FULL}", f"platform/reviews.prod{FULL}"])
    assert lost(mesh, whole, canary) is None
    no_rules = scope_of(mesh, "shop", [f"prod/reviews.prod{FULL}", f"prod/canary.prod{FULL}"])
    assert (
        because(lost(mesh, no_rules, canary))
        == f"VirtualService platform/reviews no longer applies to reviews.prod{FULL}"
    )
    no_name = scope_of(mesh, "shop", [f"platform/reviews.prod{FULL}"])
    assert because(lost(mesh, no_name, canary)) == f"reviews.prod{FULL} has no route"
    nothing = scope_of(mesh, "shop", ["~/*"])
    assert because(lost(mesh, nothing, canary)) == f"canary.prod{FULL} has no cluster"
    assert lost(mesh, nothing, call("www.example.org", route="passthrough")) is None


def test_an_alias_is_lost_where_only_the_concrete_name_is_imported() -> None:
    mesh = mesh_of([service("shop", "db", external_name=f"api.backend{FULL}"), service("backend", "api")])
    aliased = call(f"api.backend{FULL}", requested="db")
    concrete = scope_of(mesh, "shop", [f"backend/api.backend{FULL}"])
    assert because(lost(mesh, concrete, aliased)) == f"db.shop{FULL} is no alias of api.backend{FULL} any more"
    assert broken(mesh, "shop", [aliased], [f"backend/api.backend{FULL}", f"backend/db.shop{FULL}"]) == ()


def test_a_replay_counts_later_calls_to_hosts_that_the_first_half_did_not_know() -> None:
    mesh = mesh_of([service("shop", "a"), service("shop", "b")])
    calls = [call(f"a.shop{FULL}"), call(f"b.shop{FULL}", calls=3, calls_before=0)]
    found = replay(mesh, "shop", calls, None, ["istio-system/*"], None)
    assert (found.calls_before, found.calls_after, found.calls_out_of_scope) == (5, 8, 3)
    assert found.out_of_scope == (
        f"b.shop{FULL} has no cluster: through PassthroughCluster without mTLS, retries and subsets",
    )
    assert found.outcomes == {"passthrough_plain_text": 3}
    assert [reason.verdict for reason in judge(found)] == ["EMIT_REVIEW"]
    assert replay(mesh, "shop", calls[:1], None, [], None).calls_out_of_scope == 0


def test_the_benefit_follows_the_formula() -> None:
    rule = """
kind: DestinationRule
namespace: shop
name: a
spec: {host: a, subsets: [{name: v1}, {name: v2}]}
"""
    services = [service("shop", "a", 80, 81, endpoints=3, meshed_endpoints=3), service_entry("shop", "x.example")]
    mesh = mesh_of(services, rule)
    found = load(scope_of(mesh, "shop", ["*/*"]), subset_counts(mesh), "istio-system")
    assert found.services == 2
    assert found.clusters == 2 * 3 + 1
    assert found.endpoints == 2 * 3 * 2 + 1
    expected = PROXY_BYTES + 6 * (CLUSTER_BYTES + MTLS_BYTES) + 12 * ENDPOINT_BYTES + CLUSTER_BYTES + ENDPOINT_BYTES
    assert found.memory_bytes == expected
