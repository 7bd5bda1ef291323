"""Manifests against definitions as a cluster serves them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from analyzers.schema.definitions import Definitions
from analyzers.scoping.manifest import sidecar
from analyzers.scoping.resource_definitions import (
    DefinitionError,
    definitions_in,
    problem_of,
    read_definitions,
)
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.analyzers.scoping.meshes import workload
from tests.support.rows import Row, mesh_object

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = sidecar(workload({"app": "web"}, istio_version=(1, 27)), "web", ["istio-system/*"], {}, {})
LISTENER = {"type": "object", "properties": {"hosts": {"type": "array", "items": {"type": "string"}}}}
SELECTOR = {
    "type": "object",
    "properties": {"labels": {"type": "object", "additionalProperties": {"type": "string"}}},
}


def definition(version: str = "v1", **fields: dict[str, Any]) -> dict[str, Any]:
    spec = {"workloadSelector": SELECTOR, "egress": {"type": "array", "items": LISTENER}} | fields
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "sidecars.networking.istio.io"},
        "spec": {
            "group": "networking.istio.io",
            "names": {"kind": "Sidecar"},
            "versions": [{"name": version, "served": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def test_a_manifest_that_fits_has_no_problem() -> None:
    assert problem_of(MANIFEST, Definitions.of([definition()])) is None


def test_a_kind_without_a_definition_is_not_judged() -> None:
    assert problem_of({"apiVersion": "v1", "kind": "Other"}, Definitions.of([definition()])) is None


def test_a_field_the_cluster_does_not_know_is_named() -> None:
    old = definition()
    del old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["workloadSelector"]
    assert "workloadSelector" in str(problem_of(MANIFEST, Definitions.of([old])))


def test_a_version_the_cluster_does_not_serve_is_named() -> None:
    problem = problem_of(MANIFEST, Definitions.of([definition("v1beta1")]))
    assert problem == "Sidecar: the cluster does not serve networking.istio.io/v1, only networking.istio.io/v1beta1"


def test_a_rule_of_the_cluster_that_the_manifest_breaks_is_told() -> None:
    strict = definition(egress={"type": "array", "x-kubernetes-validations": [{"rule": "size(self) > 5"}]})
    assert problem_of(MANIFEST, Definitions.of([strict])) == "Sidecar at spec/egress: breaks the rule size(self) > 5"


def test_definitions_come_from_files_folders_and_the_lake(tmp_path: Path) -> None:
    folder = tmp_path / "crds"
    folder.mkdir()
    (folder / "sidecar.json").write_text(json.dumps(definition()))
    expected = {("networking.istio.io", "Sidecar")}
    assert set(read_definitions([folder]).kinds) == set(read_definitions([folder / "sidecar.json"]).kinds) == expected
    row = mesh_object(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "sidecars", {"spec": definition()["spec"]}
    )
    lake = str(tmp_path / "lake")
    Lake.open(lake, create=True).append("ingest", {"mesh_objects": Row.table([row])})
    with open_session(lake) as session:
        assert set(definitions_in(session).kinds) == expected


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("a.yaml", "kind: [", "byte 0"), ("b.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n", "no Custom")],
)
def test_files_that_cannot_be_used_are_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DefinitionError, match=said) as caught:
        read_definitions([tmp_path / name])
    assert name in str(caught.value)
    with pytest.raises(DefinitionError, match="no such file"):
        read_definitions([tmp_path / "absent"])
