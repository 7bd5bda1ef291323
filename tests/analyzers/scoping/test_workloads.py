from __future__ import annotations

from analyzers.scoping.model import worst
from analyzers.scoping.workloads import Workload, grouped, object_name
from tests.analyzers.scoping.meshes import pod


def selectors(workloads: tuple[Workload, ...]) -> dict[str, dict[str, str]]:
    return {workload.name: dict(workload.selector) for workload in workloads}


def test_versions_of_one_workload_share_one_selector_without_a_version() -> None:
    pods = [
        pod(
            f"reviews-{version}-1",
            f"reviews-{version}",
            {"app": "reviews", "version": version, "pod-template-hash": "h"},
        )
        for version in ("v1", "v2", "v3")
    ]
    (found,) = grouped(pods)
    assert dict(found.selector) == {"app": "reviews"}
    assert found.controllers == ("reviews-v1", "reviews-v2", "reviews-v3")
    assert found.reasons == ()


def test_name_instance_and_component_narrow_the_selector() -> None:
    def labels(instance: str, component: str) -> dict[str, str]:
        return {
            "app.kubernetes.io/name": "redis",
            "app.kubernetes.io/instance": instance,
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/version": "7",
            "helm.sh/chart": "redis-1",
        }

    found = grouped([pod("a", "a", labels("cart", "master")), pod("b", "b", labels("cart", "replica"))])
    assert selectors(found) == {
        "redis": {
            "app.kubernetes.io/component": "master",
            "app.kubernetes.io/instance": "cart",
            "app.kubernetes.io/name": "redis",
        },
        "redis-replica-cart": {
            "app.kubernetes.io/component": "replica",
            "app.kubernetes.io/instance": "cart",
            "app.kubernetes.io/name": "redis",
        },
    }


def test_workloads_that_share_every_discriminating_label_are_united_for_review() -> None:
    (found,) = grouped([pod("a", "api", {"app": "api"}), pod("b", "api-worker", {"app": "api", "tier": "worker"})])
    assert dict(found.selector) == {"app": "api"}
    assert [reason.code for reason in found.reasons] == ["SELECTOR_OVERLAP"]
    assert worst(found.reasons) == "EMIT_REVIEW"


def test_two_controllers_of_one_version_are_not_versions_of_each_other() -> None:
    labels = {"app": "api", "version": "v1"}
    (found,) = grouped([pod("a", "api", labels), pod("b", "api-worker", labels)])
    assert [reason.code for reason in found.reasons] == ["SELECTOR_OVERLAP"]


def test_a_label_on_each_keeps_workloads_of_one_name_apart() -> None:
    found = grouped(
        [pod("a", "api", {"app": "api", "tier": "web"}), pod("b", "worker", {"app": "api", "tier": "worker"})]
    )
    assert selectors(found) == {"api": {"app": "api", "tier": "web"}, "api-worker": {"app": "api", "tier": "worker"}}
    assert all(not workload.reasons for workload in found)


def test_a_selector_by_another_label_that_takes_in_a_named_workload_is_united_with_it() -> None:
    (found,) = grouped([pod("a", "one", {"name": "web"}), pod("b", "two", {"app": "foo", "name": "web"})])
    assert dict(found.selector) == {"name": "web"}
    assert found.reasons[0].code == "SELECTOR_OVERLAP"


def test_a_selector_that_matches_pods_of_two_others_stands_for_nobody() -> None:
    pods = [
        pod("a", "a", {"k8s-app": "x"}),
        pod("c", "c", {"name": "y"}),
        pod("b", "b", {"k8s-app": "x", "name": "y", "app": "b"}),
    ]
    verdicts = {tuple(workload.selector): worst(workload.reasons) for workload in grouped(pods)}
    assert verdicts == {("k8s-app",): "EMIT_REVIEW", ("name",): "ABSTAIN"}


def test_the_canonical_name_stands_in_where_no_label_names_the_workload() -> None:
    (found,) = grouped([pod("a", "web", {"service.istio.io/canonical-name": "web", "pod-template-hash": "1"})])
    assert dict(found.selector) == {"service.istio.io/canonical-name": "web"}


def test_pods_that_nothing_names_cannot_be_selected() -> None:
    (found,) = grouped([pod("a", "web", {"pod-template-hash": "1"})])
    assert dict(found.selector) == {}
    assert worst(found.reasons) == "ABSTAIN"


def test_namespaces_are_apart() -> None:
    found = grouped([pod("a", "web", {"app": "web"}), pod("a", "web", {"app": "web"}, namespace="blog")])
    assert [workload.namespace for workload in found] == ["blog", "shop"]


def test_object_names() -> None:
    assert object_name("My_App.") == "my-app"
