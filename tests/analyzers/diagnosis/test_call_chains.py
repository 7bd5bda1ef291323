"""Budgets along call chains: timeouts that grow, retries that multiply."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from analyzers.diagnosis import retry_product, timeout_inversion
from analyzers.diagnosis.observed_calls import Call
from analyzers.framework.analyzer import Options
from analyzers.framework.run import run_analyzers
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.mesh.meshes import istio, mesh_of, pod, service
from tests.support import rows

if TYPE_CHECKING:
    from pathlib import Path

FULL = ".svc.cluster.local"

CHAIN = [Call("web", "site", f"cart.shop{FULL}", 80), Call("shop", "cart", f"pay.shop{FULL}", 80)]
CHAIN_ENDS = [service("shop/cart"), service("shop/pay"), pod("web/site"), pod("shop/cart"), pod("shop/pay")]


def timed(host: str, **route: object) -> dict[str, Any]:
    target = {"route": [{"destination": {"host": host}}], **route}
    return istio("VirtualService", f"shop/{host}", {"hosts": [host], "http": [target]})


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        ({"timeout": "1s"}, {"timeout": "5s"}, [("warning", "VirtualService/shop/pay", "spec/http[0]/timeout")]),
        ({"timeout": "5s"}, {"timeout": "1s"}, []),
        ({"timeout": "1s"}, {}, [("info", "VirtualService/shop/cart", "spec/http[0]/timeout")]),
        ({}, {"timeout": "5s"}, []),
        # A try of the caller's ends before its timeout.
        (
            {"timeout": "9s", "retries": {"attempts": 2, "perTryTimeout": "3s"}},
            {"timeout": "5s"},
            [("warning", "VirtualService/shop/pay", "spec/http[0]/timeout")],
        ),
        ({"timeout": "9s", "retries": {"attempts": 0, "perTryTimeout": "3s"}}, {"timeout": "5s"}, []),
        # By path: not every request takes the route.
        ({"timeout": "1s", "match": [{"uri": {"prefix": "/x"}}]}, {"timeout": "5s"}, []),
    ],
)
def test_timeouts_along_a_chain(
    upper: dict[str, Any], lower: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    mesh = mesh_of(*CHAIN_ENDS, timed("cart", **upper), timed("pay", **lower))
    assert [(one.severity, one.object, one.path) for one in timeout_inversion.check(mesh, CHAIN)] == expected
    assert list(timeout_inversion.check(mesh, CHAIN[:1])) == []


def test_retries_along_a_chain() -> None:
    def products(*attempts: int | None) -> list[object]:
        routes = [
            timed(host, **({"retries": {"attempts": count}} if count is not None else {}))
            for host, count in zip(("cart", "pay"), attempts, strict=True)
        ]
        findings = retry_product.check(mesh_of(*CHAIN_ENDS, *routes), CHAIN)
        return [(one.object, one.evidence["product"], one.evidence["product_with_defaults"]) for one in findings]

    assert products(3, 3) == [("VirtualService/shop/pay", 16, 16)]
    assert products(2, 2) == []
    assert products(9, None) == []  # Istio's default is no statement
    assert products(9, 0) == []
    loop = [*CHAIN, Call("shop", "pay", f"cart.shop{FULL}", 80)]
    mesh = mesh_of(*CHAIN_ENDS, timed("cart", retries={"attempts": 3}), timed("pay", retries={"attempts": 3}))
    assert {one.code for one in retry_product.check(mesh, loop)} == {"ML3023"}


def owned_pod(where: str, app: str, address: str) -> rows.Row:
    """A pod of a StatefulSet, as its document and its columns say it."""
    owner = [{"kind": "StatefulSet", "name": app}]
    metadata = {"name": f"{app}-0", "namespace": where, "labels": {"app": app}, "ownerReferences": owner}
    found = rows.pod(where, f"{app}-0", app, address)
    document = {**json.loads(str(found.values["object_json"])), "metadata": metadata}
    return replace(found, values={**found.values, "object_json": json.dumps(document)})


def test_chains_of_a_lake(tmp_path: Path) -> None:
    objects = [
        owned_pod("web", "site", "10.0.0.1"),
        owned_pod("shop", "cart", "10.0.0.2"),
        owned_pod("shop", "pay", "10.0.0.3"),
        rows.service("shop", "cart", 80),
        rows.service("shop", "pay", 80),
    ]
    objects += [
        rows.mesh_object(item["apiVersion"], item["kind"], "shop", item["metadata"]["name"], {"spec": item["spec"]})
        for item in (timed("cart", timeout="1s"), timed("pay", timeout="5s"))
    ]
    lines = [
        rows.access_log(f"logs/{pod_name}/access.log", 0, upstream_cluster=f"outbound|80||{callee}.shop{FULL}")
        for pod_name, callee in (("site-0", "cart"), ("cart-0", "pay"))
    ]
    uri = str(tmp_path / "lake")
    tables = {"mesh_objects": rows.Row.table(objects), "access_logs": rows.Row.table(lines)}
    Lake.open(uri, create=True).append("ingest", tables)
    with open_session(uri) as session:
        report = run_analyzers(session, [timeout_inversion.ANALYZER, retry_product.ANALYZER], Options())
    assert [(one.analyzer, one.code, one.object) for one in report.findings] == [
        ("timeout_inversion", "ML3022", "VirtualService/shop/pay")
    ]
