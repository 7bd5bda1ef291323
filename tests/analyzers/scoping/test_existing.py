from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from analyzers.scoping.existing import Standing, carried, hazards, patched_egress, standing
from tests.analyzers.scoping.meshes import configuration, objects, workload

SIDECARS = """
kind: Sidecar
namespace: shop
name: default
spec: {egress: [{hosts: ["./*"]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}
---
kind: Sidecar
namespace: shop
name: old
spec: {workloadSelector: {labels: {app: web}}, egress: [{hosts: ["./*"]}]}
---
kind: Sidecar
namespace: shop
name: young
spec: {workloadSelector: {labels: {app: web}}, egress: [{hosts: ["*/*"]}]}
---
kind: Sidecar
namespace: istio-system
name: root
spec: {egress: [{hosts: ["./*"]}]}
---
kind: Sidecar
namespace: istio-system
name: root-selector
spec: {workloadSelector: {labels: {app: web}}, egress: [{hosts: ["./*"]}]}
"""
AGES = {
    "default": datetime(2026, 1, 1, tzinfo=UTC),
    "old": datetime(2026, 2, 1, tzinfo=UTC),
    "young": datetime(2026, 3, 1, tzinfo=UTC),
    "root": datetime(2025, 1, 1, tzinfo=UTC),
}


def names(found: Standing) -> dict[str, object]:
    return {
        "ruling": found.ruling.name if found.ruling else None,
        "clashing": [item.name for item in found.clashing],
        "shadowing": [item.name for item in found.shadowing],
        "parent": found.parent.name if found.parent else None,
    }


def test_a_selector_comes_before_none_and_the_oldest_first() -> None:
    found = standing(configuration(SIDECARS, created_at=AGES), workload({"app": "web"}))
    assert names(found) == {"ruling": "old", "clashing": ["old", "young"], "shadowing": [], "parent": "default"}


def test_without_a_match_the_namespaces_then_the_roots_own_rules() -> None:
    other = standing(configuration(SIDECARS, created_at=AGES), workload({"app": "other"}))
    assert names(other) == {"ruling": "default", "clashing": [], "shadowing": [], "parent": "default"}
    elsewhere = standing(configuration(SIDECARS, created_at=AGES), replace(workload({"app": "web"}), namespace="blog"))
    assert names(elsewhere) == {"ruling": "root", "clashing": [], "shadowing": [], "parent": "root"}


def test_an_empty_selector_counts_as_one() -> None:
    text = SIDECARS.replace(
        'workloadSelector: {labels: {app: web}}, egress: [{hosts: ["./*"]}]', "workloadSelector: {}"
    )
    found = standing(configuration(text, created_at=AGES), workload({"app": "other"}))
    assert names(found) == {"ruling": "old", "clashing": [], "shadowing": ["old"], "parent": "default"}


def test_a_sidecar_of_another_revision_does_not_exist() -> None:
    text = """
kind: Sidecar
namespace: shop
name: canary
labels: {istio.io/rev: canary}
spec: {workloadSelector: {labels: {app: web}}}
"""
    assert names(standing(configuration(text), workload({"app": "web"})))["ruling"] is None
    assert names(standing(configuration(text), workload({"app": "web"}, revision="canary")))["ruling"] == "canary"


def test_ours_with_the_same_selector_is_written_anew_and_clashes_with_nothing() -> None:
    text = """
kind: Sidecar
namespace: shop
name: web
labels: {app.kubernetes.io/managed-by: meshlens}
spec: {workloadSelector: {labels: {app: web}}, egress: [{hosts: ["shop/a"]}]}
"""
    found = standing(configuration(text), workload({"app": "web"}))
    assert found.own is not None
    assert found.clashing == ()


def test_a_new_sidecar_repeats_what_it_would_not_inherit() -> None:
    (parent, *_) = objects(SIDECARS)
    assert carried(parent) == {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
    assert carried(None) == {}


def test_a_patch_adds_to_the_listener_without_a_port_and_keeps_what_people_wrote() -> None:
    (sidecar,) = objects("""
kind: Sidecar
namespace: shop
name: web
spec:
  egress:
    - {port: {number: 3306, protocol: TCP}, hosts: ["data/*"]}
    - {hosts: ["./*", "old/x.old"]}
""")
    egress, missing = patched_egress(sidecar, ["data/pg.data", "shop/b.shop", "pay/c.pay"])
    assert missing == ("pay/c.pay",)
    assert egress == [
        {"port": {"number": 3306, "protocol": "TCP"}, "hosts": ["data/*"]},
        {"hosts": ["./*", "old/x.old", "pay/c.pay"]},
    ]


def test_a_patch_appends_a_listener_where_every_one_has_a_port() -> None:
    (sidecar,) = objects("""
kind: Sidecar
namespace: shop
name: web
spec: {egress: [{port: {number: 80, protocol: HTTP}, hosts: ["shop/*"]}]}
""")
    egress, _ = patched_egress(sidecar, ["pay/c.pay"])
    assert egress[1:] == [{"hosts": ["pay/c.pay"]}]


def test_a_sidecar_that_imports_all_that_is_called_is_left_as_it_is() -> None:
    (sidecar, *_) = objects(SIDECARS)
    assert patched_egress(sidecar, ["shop/a.shop"]) == ([{"hosts": ["./*"]}], ())


def test_hazards() -> None:
    found = objects("""
kind: Sidecar
namespace: shop
name: no-egress
spec: {workloadSelector: {}}
---
kind: Sidecar
namespace: shop
name: mixed
spec: {egress: [{hosts: ["./*", "~/*"]}]}
---
kind: Sidecar
namespace: shop
name: nothing
spec: {egress: [{hosts: ["~/*"]}]}
""")
    assert [[reason.code for reason in hazards(sidecar)] for sidecar in found] == [
        ["EGRESS_OMITTED", "EMPTY_SELECTOR"],
        ["TILDE_MIX"],
        [],
    ]
