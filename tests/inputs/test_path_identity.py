"""Pods named by paths and by the user."""

from __future__ import annotations

import pytest

from pipelines.inputs.path_identity import Pod, PodRules, pod_of_path, pod_rules

UID = "0b0fc2b5-6d1f-4f0f-9d0e-0a0b0c0d0e0f"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/var/log/pods/shop_cart-7d9c-x2x9k_{UID}/istio-proxy/0.log", Pod("shop", "cart-7d9c-x2x9k")),
        (f"/backup/node1/shop_cart-0_{UID}/istio-proxy/0.log.20260101.gz", Pod("shop", "cart-0")),
        (
            "/var/log/pods/kube-system_etcd-node_0123456789abcdef0123456789abcdef/etcd/0.log",
            Pod("kube-system", "etcd-node"),
        ),
        (f"/var/log/containers/cart-0_shop_istio-proxy-{'ab' * 32}.log", Pod("shop", "cart-0")),
        ("/logs/cart-0/access.log", None),
        ("/logs/shop_cart-0/access.log", None),
        (f"/logs/Shop_cart_{UID}/access.log", None),
    ],
)
def test_what_a_path_says(path: str, expected: Pod | None) -> None:
    assert pod_of_path(path) == expected


def test_a_link_says_what_its_target_says() -> None:
    target = f"/var/log/pods/shop_cart-0_{UID}/istio-proxy/0.log"
    assert pod_of_path("/logs/current.log", None, target) == Pod("shop", "cart-0")


def test_a_map_comes_before_the_pod_option_and_that_before_the_path() -> None:
    path = f"/var/log/pods/shop_cart-0_{UID}/istio-proxy/0.log"
    rules = pod_rules("a/b", ["*/other/*=c/d", "istio-proxy/*.log=e/f"])
    assert pod_of_path(path, rules) == Pod("e", "f")
    assert pod_of_path("/x/other/y.log", rules) == Pod("c", "d")
    assert pod_of_path("/x/y.log", rules) == Pod("a", "b")
    assert pod_of_path(path, PodRules()) == Pod("shop", "cart-0")


@pytest.mark.parametrize("pod", ["cart", "shop/Cart", "shop/cart/0", "/cart", "shop/"])
def test_a_wrong_pod_is_refused_with_the_right_spelling(pod: str) -> None:
    with pytest.raises(ValueError, match="shop/cart-5f8d7c9b4-x2x9k"):
        pod_rules(pod, [])
    with pytest.raises(ValueError, match="--map"):
        pod_rules(None, [f"*.log={pod}"])
