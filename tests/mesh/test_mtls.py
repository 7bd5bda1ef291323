"""Effective mutual TLS: what servers take, what clients send, and whether they get along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from analyzers.mesh.mtls import client_mode, connection, server_mode
from analyzers.mesh.services import services_of
from analyzers.mesh.workloads import workloads_of
from tests.mesh.meshes import istio, mesh_config, mesh_of, namespace, pod, security, service

if TYPE_CHECKING:
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.services import Service
    from analyzers.mesh.workloads import Workload

HOST = "cart.shop.svc.cluster.local"
ROOT = "istio-system/mesh"


def authentication(name: str, mode: str | None, app: str | None = None, age: int = 1, **ports: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"mtls": {"mode": mode}} if mode else {}
    if app:
        spec["selector"] = {"matchLabels": {"app": app}}
    if ports:
        spec["portLevelMtls"] = {port.removeprefix("p"): {"mode": value} for port, value in ports.items()}
    return security("PeerAuthentication", name, spec, age=age)


def rule(name: str, mode: str, **spec: object) -> dict[str, Any]:
    return istio("DestinationRule", name, {"host": HOST, "trafficPolicy": {"tls": {"mode": mode}}, **spec})


def shop(*objects: dict[str, Any]) -> Mesh:
    ends = [pod("shop/cart", ports=(80, 8080)), pod("web/site"), service("shop/cart", 80, 8080)]
    names = {(item["kind"], item["metadata"]["name"]) for item in objects}
    return mesh_of(*objects, *(item for item in ends if (item["kind"], item["metadata"]["name"]) not in names))


def workload(mesh: Mesh, where: str, app: str) -> Workload:
    return workloads_of(mesh).selected(where, {"app": app})[0]


def cart(mesh: Mesh) -> Service:
    return services_of(mesh).declared(HOST)[0]


@pytest.mark.parametrize(
    ("policies", "port", "expected", "path"),
    [
        ([], 80, "PERMISSIVE", ""),
        ([authentication(ROOT, "STRICT")], 80, "STRICT", "spec/mtls/mode"),
        ([authentication(ROOT, "STRICT"), authentication("shop/n", "PERMISSIVE")], 80, "PERMISSIVE", "spec/mtls/mode"),
        ([authentication(ROOT, "STRICT"), authentication("shop/n", None)], 80, "STRICT", "spec/mtls/mode"),
        ([authentication(ROOT, "STRICT"), authentication("shop/n", "UNSET")], 80, "STRICT", "spec/mtls/mode"),
        (
            [authentication("shop/n", "STRICT"), authentication("shop/w", "DISABLE", "cart")],
            80,
            "DISABLE",
            "spec/mtls/mode",
        ),
        ([authentication("shop/w", "DISABLE", "other")], 80, "PERMISSIVE", ""),
        (
            [authentication("shop/w", "STRICT", "cart", p8080="DISABLE")],
            8080,
            "DISABLE",
            "spec/portLevelMtls/8080/mode",
        ),
        ([authentication("shop/w", "STRICT", "cart", p8080="UNSET")], 8080, "STRICT", "spec/mtls/mode"),
        # Ports of a policy without a selector, and selectors in the root namespace, count for nothing.
        ([authentication("shop/n", "STRICT", None, p8080="DISABLE")], 8080, "STRICT", "spec/mtls/mode"),
        ([authentication(ROOT, "STRICT", "cart")], 80, "PERMISSIVE", ""),
        # The oldest of one level counts, whatever it says.
        (
            [authentication("shop/y", "STRICT", age=2), authentication("shop/o", "DISABLE")],
            80,
            "DISABLE",
            "spec/mtls/mode",
        ),
        (
            [authentication("shop/y", "STRICT", "cart", age=2), authentication("shop/o", None, "cart")],
            80,
            "PERMISSIVE",
            "",
        ),
    ],
)
def test_servers(policies: list[dict[str, Any]], port: int, expected: str, path: str) -> None:
    mesh = shop(*policies)
    found = server_mode(mesh, workload(mesh, "shop", "cart"), port)
    assert (found.mode, found.path) == (expected, path)


def test_servers_without_a_proxy_take_plain_text() -> None:
    mesh = shop(pod("shop/cart", proxy=False), authentication(ROOT, "STRICT"))
    found = server_mode(mesh, workload(mesh, "shop", "cart"), 80)
    assert (found.mode, found.has_proxy, found.item) == ("DISABLE", False, None)
    past = shop(
        pod("shop/cart", annotations={"traffic.sidecar.istio.io/excludeInboundPorts": "9, 80"}),
        authentication(ROOT, "STRICT"),
    )
    assert server_mode(past, workload(past, "shop", "cart"), 80).mode == "DISABLE"
    assert server_mode(past, workload(past, "shop", "cart"), 81).mode == "STRICT"


@pytest.mark.parametrize(
    ("objects", "expected", "automatic"),
    [
        ([], "ISTIO_MUTUAL", True),
        ([mesh_config(enableAutoMtls=False)], "PLAINTEXT", True),
        ([rule("web/r", "DISABLE")], "PLAINTEXT", False),
        ([rule("shop/r", "SIMPLE"), rule("web/r", "MUTUAL")], "MUTUAL", False),
        ([rule("shop/r", "DISABLE", exportTo=["."])], "ISTIO_MUTUAL", True),
        ([mesh_config(enableAutoMtls=False), rule("shop/r", "ISTIO_MUTUAL")], "ISTIO_MUTUAL", False),
        ([authentication("shop/n", "DISABLE")], "PLAINTEXT", True),
        ([authentication(ROOT, "DISABLE")], "PLAINTEXT", True),
        ([authentication("shop/w", None, "cart", p80="DISABLE")], "PLAINTEXT", True),
        ([pod("shop/cart", proxy=False)], "PLAINTEXT", True),
        ([pod("web/site", proxy=False)], "PLAINTEXT", True),
        # istiod looks at the namespace's mode first, and does not see a workload that is stricter.
        ([authentication("shop/n", "DISABLE"), authentication("shop/w", "STRICT", "cart")], "PLAINTEXT", True),
    ],
)
def test_clients(objects: list[dict[str, Any]], expected: str, automatic: bool) -> None:
    mesh = shop(*objects)
    server = workload(mesh, "shop", "cart")
    found = client_mode(mesh, workload(mesh, "web", "site"), cart(mesh), 80, server)
    assert (found.mode, found.is_automatic) == (expected, automatic)


@pytest.mark.parametrize(
    ("objects", "verdict"),
    [
        ([], "mtls"),
        ([authentication(ROOT, "STRICT")], "mtls"),
        ([authentication(ROOT, "STRICT"), pod("web/site", proxy=False)], "refused"),
        ([authentication("shop/w", None, "cart", p80="STRICT"), pod("web/site", proxy=False)], "refused"),
        ([authentication("shop/w", None, "cart", p8080="STRICT"), pod("web/site", proxy=False)], "plaintext"),
        ([authentication(ROOT, "STRICT"), rule("shop/r", "DISABLE")], "refused"),
        ([authentication(ROOT, "STRICT"), rule("shop/r", "SIMPLE")], "refused"),
        ([authentication(ROOT, "STRICT"), rule("shop/r", "MUTUAL")], "unknown"),
        ([rule("shop/r", "SIMPLE")], "tls"),
        ([rule("shop/r", "ISTIO_MUTUAL"), pod("shop/cart", proxy=False)], "refused"),
        ([rule("shop/r", "ISTIO_MUTUAL"), authentication("shop/n", "DISABLE")], "refused"),
        ([authentication("shop/n", "DISABLE"), authentication("shop/w", "STRICT", "cart")], "refused"),
        ([pod("shop/cart", annotations={"traffic.sidecar.istio.io/excludeInboundPorts": "80"})], "refused"),
    ],
)
def test_connections(objects: list[dict[str, Any]], verdict: str) -> None:
    mesh = shop(*objects)
    found = connection(mesh, workload(mesh, "web", "site"), workload(mesh, "shop", "cart"), cart(mesh), 80)
    assert found.verdict == verdict, found


def test_ambient() -> None:
    mesh = shop(
        namespace("shop", **{"istio.io/dataplane-mode": "ambient"}),
        namespace("web", **{"istio.io/dataplane-mode": "ambient"}),
        pod("shop/cart", proxy=False),
        pod("web/site", proxy=False),
        pod("web/apart", proxy=False, labels={"istio.io/dataplane-mode": "none"}),
        authentication(ROOT, "STRICT"),
    )
    server = workload(mesh, "shop", "cart")
    assert connection(mesh, workload(mesh, "web", "site"), server, cart(mesh), 80).verdict == "mtls"
    assert connection(mesh, workload(mesh, "web", "apart"), server, cart(mesh), 80).verdict == "refused"


def test_pods_of_one_template_are_one_workload() -> None:
    owner = [{"kind": "ReplicaSet", "name": "cart-abc"}]
    pods = [
        pod(f"shop/cart-abc-{number}", labels={"app": "cart", "pod-template-hash": "abc"}, ownerReferences=owner)
        for number in range(3)
    ]
    found = workloads_of(mesh_of(*pods)).all
    assert [(one.name, len(one.pods), one.data_plane, one.labels) for one in found] == [
        ("cart", 3, "sidecar", {"app": "cart"})
    ]
