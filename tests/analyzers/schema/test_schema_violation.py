"""The analyzer over meshes: findings per object, cluster by cluster, with what could not be judged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from analyzers.configuration.rules import DEFAULT, Rules
from analyzers.configuration.schema_violation import check
from analyzers.mesh.load import mesh_of_text, objects_of_text
from analyzers.mesh.model import Mesh

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding

CRDS = (
    Path(os.environ.get("ISTIO_CRDS_DIR") or Path(__file__).parents[3].parent / "shared" / "istio-crds")
    / "crd-all.gen.yaml"
)


def definition(rule: str = "self.size() < 3", **version: object) -> dict[str, object]:
    spec = {"type": "object", "properties": {"name": {"type": "string", "x-kubernetes-validations": [{"rule": rule}]}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {
            "group": "example.org",
            "names": {"kind": "Thing"},
            "versions": [{"name": "v1", "schema": schema, **version}],
        },
    }


def thing(name: str = "ab", version: str = "v1", namespace: str = "shop") -> dict[str, object]:
    metadata = {"name": "t", "namespace": namespace}
    return {"apiVersion": f"example.org/{version}", "kind": "Thing", "metadata": metadata, "spec": {"name": name}}


def findings(*objects: dict[str, object], rules: Rules = DEFAULT) -> list[Finding]:
    return list(check(mesh_of_text(json.dumps(list(objects))), rules))


def codes(*objects: dict[str, object], rules: Rules = DEFAULT) -> list[str]:
    return [finding.code for finding in findings(*objects, rules=rules)]


def test_an_object_is_judged_by_the_definition_beside_it() -> None:
    assert codes(definition(), thing()) == []
    (found,) = findings(definition(), thing("long"))
    assert (found.code, found.object, found.path) == ("ML3004", "Thing/shop/t", "spec/name")
    assert found.evidence["rule"] == "self.size() < 3"
    assert codes(thing("long")) == []
    assert codes(definition(), thing(version="v2")) == ["ML3005"]
    assert codes(definition(deprecated=True), thing()) == ["ML3007"]


def test_namespaces_narrow_what_is_told() -> None:
    assert codes(definition(), thing("long"), rules=Rules(namespaces=("bank",))) == []
    assert codes(definition(), thing("long"), rules=Rules(namespaces=("shop",))) == ["ML3004"]


def test_a_rule_that_cannot_be_evaluated_is_told_once_and_only_where_it_matters() -> None:
    unknown = definition("quantity(self) > 1")
    assert codes(unknown) == []
    (found,) = findings(unknown, thing(), thing(namespace="bank"))
    assert (found.code, found.severity, found.object) == (
        "ML3006",
        "info",
        "CustomResourceDefinition//things.example.org",
    )


def test_each_cluster_has_its_own_definitions_and_shared_ones_fill_in() -> None:
    def of(cluster: str, *objects: dict[str, object]) -> list[object]:
        return list(objects_of_text(json.dumps(list(objects)), cluster=cluster))

    strict, lax = definition("self.size() < 3"), definition("self.size() < 9")
    one, other = of("one", strict, thing("long")), of("other", lax, thing("long"))
    mesh = Mesh.of([*one, *other])  # type: ignore[list-item]  # objects of the mesh
    assert [finding.evidence["cluster"] for finding in check(mesh, DEFAULT)] == ["one"]
    mesh = Mesh.of([*of("", strict), *of("other", thing("long"))])  # type: ignore[list-item]  # as above
    assert [finding.code for finding in check(mesh, DEFAULT)] == ["ML3004"]


@pytest.mark.corpus
@pytest.mark.skipif(not CRDS.is_file(), reason=f"{CRDS} is not there")
def test_istios_own_definitions_are_understood_whole() -> None:
    text = CRDS.read_text() + ISTIO_OBJECTS
    found = sorted(
        (item.code, (item.object or "").split("/")[2], item.path) for item in check(mesh_of_text(text), DEFAULT)
    )
    assert found == [
        ("ML3002", "bad-choice", "spec/http[0]/match[0]/uri"),
        ("ML3002", "bad-type", "spec/http[0]/route[0]/weight"),
        ("ML3002", "bad-value", "spec/trafficPolicy/tls/mode"),
        ("ML3003", "unknown-field", "spec/http[0]/timeouts"),
        ("ML3004", "bad-duration", "spec/http[0]/timeout"),
        ("ML3004", "bad-exclusive", "spec"),
        ("ML3004", "bad-port", "spec/portLevelMtls"),
        ("ML3005", "bad-version", "apiVersion"),
    ]


ISTIO_OBJECTS = """
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: good, namespace: shop}
spec:
  hosts: [web]
  http:
  - match: [{uri: {prefix: /a}, ignoreUriCase: true}]
    retries: {attempts: 3, perTryTimeout: 2s, retryOn: 5xx}
    route: [{destination: {host: web, port: {number: 80}}, weight: 100}]
    timeout: 5s
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bad-choice, namespace: shop}
spec: {hosts: [web], http: [{match: [{uri: {prefix: /a, exact: /b}}], route: [{destination: {host: web}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bad-type, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web}, weight: "100"}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: unknown-field, namespace: shop}
spec: {hosts: [web], http: [{timeouts: 5s, route: [{destination: {host: web}}]}]}
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: bad-duration, namespace: shop}
spec: {hosts: [web], http: [{timeout: 5 seconds, route: [{destination: {host: web}}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: bad-value, namespace: shop}
spec: {host: web, trafficPolicy: {tls: {mode: ISTIO-MUTUAL}}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bad-exclusive, namespace: shop}
spec:
  hosts: [x.example]
  ports: [{number: 80, name: http}]
  resolution: STATIC
  workloadSelector: {labels: {a: b}}
  endpoints: [{address: 10.0.0.1}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: bad-port, namespace: shop}
spec: {selector: {matchLabels: {a: b}}, portLevelMtls: {"70000": {mode: STRICT}}}
---
apiVersion: networking.istio.io/v2
kind: Gateway
metadata: {name: bad-version, namespace: shop}
spec: {}
"""
