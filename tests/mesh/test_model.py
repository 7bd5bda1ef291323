"""The model: objects by kind, namespace and name, settings, selectors and host names."""

from __future__ import annotations

import pytest

from analyzers.mesh import hosts
from analyzers.mesh.load import mesh_of_text
from analyzers.mesh.model import Mesh
from analyzers.mesh.objects import MeshObject, at, integer, mapping, mappings, sequence, text
from analyzers.mesh.selectors import LabelIndex, selects

OBJECTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: mesh-system}
data:
  mesh: |
    rootNamespace: root
    defaultServiceExportTo: ["."]
    outboundTrafficPolicy: {mode: REGISTRY_ONLY}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio-sidecar-injector, namespace: mesh-system}
data:
  values: '{"global": {"proxy": {"clusterDomain": "corp.example"}}}'
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: mesh-system, labels: {app: istiod}}
spec: {template: {spec: {containers: [{image: "docker.io/istio/pilot:1.27.1"}]}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: b}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: g, namespace: b, annotations: {k: v}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: f, namespace: b}
"""


def test_objects_are_found_by_kind_namespace_and_name() -> None:
    mesh = mesh_of_text(OBJECTS, "objects.yaml")
    assert [item.name for item in mesh.of_kind("Gateway")] == ["f", "g"]
    assert [item.api_version for item in mesh.of_kind("KubernetesGateway")] == ["gateway.networking.k8s.io/v1"]
    assert [item.name for item in mesh.in_namespace("Gateway", "b")] == ["f", "g"]
    assert mesh.in_namespace("Gateway", "a") == ()
    found = mesh.get("Gateway", "b", "g")
    assert found is not None
    assert (found.identity, found.annotations, found.source) == ("Gateway/b/g", {"k": "v"}, "objects.yaml")
    assert mesh.get("Gateway", "b", "x") is None
    assert mesh.only("Gateway").kinds == ("Gateway",)


def test_settings_come_from_the_control_plane() -> None:
    settings = mesh_of_text(OBJECTS).settings()
    assert (settings.root_namespace, settings.control_plane_namespace) == ("root", "mesh-system")
    assert (settings.cluster_domain, settings.istio_version) == ("corp.example", (1, 27))
    assert (settings.default_service_export_to, settings.outbound_traffic_policy) == ((".",), "REGISTRY_ONLY")
    nothing = Mesh.of([]).settings()
    assert (nothing.root_namespace, nothing.enable_auto_mtls) == ("istio-system", True)
    assert mesh_of_text(OBJECTS).only("Gateway").settings() == settings


def test_clusters_stand_side_by_side() -> None:
    objects = [MeshObject("Service", "a", "s", "v1", cluster=cluster) for cluster in ("two", "one")]
    mesh = Mesh.of(objects)
    assert mesh.clusters == ("one", "two")
    assert [item.cluster for item in mesh.of_kind("Service")] == ["one", "two"]
    assert len(mesh.of_kind("Service", cluster="two")) == 1
    assert mesh.get("Service", "a", "s") is None
    assert mesh.get("Service", "a", "s", cluster="one") is not None


def test_an_index_is_built_once() -> None:
    mesh = Mesh.of([])
    made: list[int] = []

    def build(_: Mesh) -> int:
        made.append(1)
        return len(made)

    assert (mesh.cached("x", build), mesh.cached("x", build)) == (1, 1)


@pytest.mark.parametrize("value", [None, 1, "text", [1], {"a": {"b": 1}}, True, 1.5])
def test_walking_never_raises(value: object) -> None:
    assert at(value, "a", "b") == (1 if isinstance(value, dict) else None)
    assert mapping(value) == (value if isinstance(value, dict) else {})
    assert list(sequence(value)) == (value if isinstance(value, list) else [])
    assert list(mappings(value)) == []
    assert text(value) == (value if isinstance(value, str) else None)
    assert integer(value) == (1 if value == 1 and not isinstance(value, bool) else None)


def test_selectors() -> None:
    labels = {"app": "web", "tier": "front"}
    assert selects({}, labels)
    assert selects({"matchLabels": {"app": "web"}}, labels)
    assert not selects({"matchLabels": {"app": "web", "x": "y"}}, labels)
    for operator, values, expected in (
        ("In", ["web", "api"], True),
        ("NotIn", ["web"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
        ("Sometimes", [], False),
    ):
        expression = {"key": "app", "operator": operator, "values": values}
        assert selects({"matchExpressions": [expression]}, labels) is expected
    index = LabelIndex([labels, {"app": "web"}, {"tier": "front"}], lambda item: item)
    assert index.carrying({"app": "web"}) == (labels, {"app": "web"})
    assert index.carrying({"app": "web", "tier": "front"}) == (labels,)
    assert index.carrying({"app": "none"}) == ()
    assert len(index.carrying({})) == 3


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("*", "a.b", True),
        ("a.b", "a.b", True),
        ("*.b", "a.b", True),
        ("*.b", "b", False),
        ("*.b", "*.a.b", True),
        ("*.a.b", "*.b", False),
        ("a.b", "*.b", False),
    ],
)
def test_patterns_of_hosts(pattern: str, host: str, expected: bool) -> None:
    assert hosts.covers(pattern, host) is expected
    assert hosts.overlap(pattern, host) is (expected or hosts.covers(host, pattern))


def test_names_of_hosts() -> None:
    assert hosts.full_name("Reviews", "shop") == "reviews.shop.svc.cluster.local"
    assert hosts.full_name("api.example.", "shop") == "api.example"
    assert hosts.full_name("*", "shop") == "*"
    assert hosts.service_of("a.b.svc.cluster.local") == ("b", "a")
    assert hosts.service_of("x.a.b.svc.cluster.local") is None
    assert hosts.spellings("a.b", "shop")[0] == "a.b.svc.cluster.local"
    assert hosts.most_specific(["*", "*.b", "*.a.b", "x"], "y.a.b") == "*.a.b"
    assert hosts.most_specific(["c"], "a") is None
