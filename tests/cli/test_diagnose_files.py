"""`meshlens diagnose` on files alone, as CI of a repository of manifests runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipelines.lake.lake import Lake
from tests.support.rows import Row, service

if TYPE_CHECKING:
    from pathlib import Path

ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: cart
  namespace: shop
spec:
  hosts: [x.example]
  http:
  - route:
    - destination:
        host: card
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {ports: [{port: 80}]}\n"


def diagnose(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meshlens", "diagnose", *arguments],
        capture_output=True, text=True, check=False, timeout=120, cwd=folder, input=stdin,
    )  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "cart.yaml").write_text(f"# The cart.\n{SERVICE}---\n{ROUTE}")
    (tmp_path / "broken.yaml").write_text('apiVersion: v1\nkind: Pod\nmetadata:\n  name: "x\n')
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    (tmp_path / "kustomization.yaml").write_text("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")
    (tmp_path / "README.md").write_text("# Shop\n")
    return tmp_path


def test_a_repository_gives_findings_with_lines_and_says_what_it_left_out(repository: Path) -> None:
    result = diagnose(repository, ".", "-o", "json", "-o", "wide=wide.txt", "-o", "sarif=mesh.sarif")
    assert result.returncode == 1, result.stderr
    document = json.loads(result.stdout)
    places = {item["code"]: item["place"] for item in document["findings"]}
    assert places["ML0101"] == {"source": str(repository / "shop" / "cart.yaml"), "line": 17, "column": 9}
    assert places["ML3001"]["source"] == str(repository / "broken.yaml")
    assert places["ML3001"]["line"] == 4
    notes = "\n".join(document["notes"])
    for told in ("Chart.yaml", "kustomize", "README.md", "5 records: 2 accepted, 3 rejected"):
        assert told in notes, told
    assert "shop/cart.yaml:17:9" in (repository / "wide.txt").read_text()
    assert (repository / "mesh.sarif").read_text().startswith("{")


def test_standard_input_and_a_pattern_are_read_together(repository: Path) -> None:
    result = diagnose(repository, "-", "shop/*.yaml", "-o", "json", stdin=SERVICE.replace("cart", "card"))
    assert result.returncode == 0, result.stdout
    broken = diagnose(repository, "-", "-o", "json", stdin="kind: [")
    assert broken.returncode == 1
    (finding,) = json.loads(broken.stdout)["findings"]
    assert finding["place"]["source"] == "stdin"
    assert finding["place"]["line"] == 1


def test_known_findings_pass_and_new_ones_fail(repository: Path) -> None:
    written = diagnose(repository, ".", "--write-baseline", "known.json")
    assert written.returncode == 1
    again = diagnose(repository, "shop", "broken.yaml", "--baseline", "known.json")
    assert again.returncode == 0, again.stdout
    (repository / "new.yaml").write_text(ROUTE.replace("name: cart", "name: other"))
    result = diagnose(repository, "shop", "new.yaml", "--baseline", "known.json", "-o", "json")
    assert result.returncode == 1
    found = json.loads(result.stdout)["findings"]
    active = [(item["code"], item["object"]) for item in found if item["suppressed_by"] is None]
    # The new route dangles as the known one does, and both now claim one host.
    assert ("ML0101", "VirtualService/shop/other") in active
    assert ("ML0101", "VirtualService/shop/cart") not in active


@pytest.mark.parametrize(
    "annotation",
    ["meshlens.io/suppress: ML0101", "galley.istio.io/analyze-suppress: '*'", "kiali.io/ignore-validations: ''"],
)
def test_annotations_of_three_tools_silence(annotation: str, tmp_path: Path) -> None:
    named = ROUTE.replace("  namespace: shop\n", f"  namespace: shop\n  annotations: {{{annotation}}}\n")
    (tmp_path / "cart.yaml").write_text(f"{SERVICE}---\n{named}")
    assert diagnose(tmp_path, "cart.yaml").returncode == 0


def test_files_count_over_the_objects_of_a_lake_that_stays_as_it_is(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    Lake.open(lake, create=True).append("ingest", {"mesh_objects": Row.table([service("shop", "cart", 80)])})
    (tmp_path / "route.yaml").write_text(ROUTE)
    assert diagnose(tmp_path, "route.yaml", "--lake", lake, "--fail-on", "never", "-o", "json").returncode == 0
    result = diagnose(tmp_path, "route.yaml", "--lake", lake, "-o", "json")
    (finding,) = json.loads(result.stdout)["findings"]
    assert "cart.shop" in finding["message"]
    assert json.loads(diagnose(tmp_path, "--lake", lake, "-o", "json").stdout)["findings"] == []


def test_two_definitions_of_one_object_are_told(repository: Path) -> None:
    (repository / "later.yaml").write_text(SERVICE)
    result = diagnose(repository, "shop", "later.yaml", "-o", "json")
    notes = json.loads(result.stdout)["notes"]
    assert any("Service shop/cart is in" in note and "later.yaml" in note for note in notes)


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        (["-o", "xml"], "formats are"),
        (["-o", "json", "-o", "yaml"], "standard output"),
        (["-o", "json="], "name a file"),
        (["-o", "json=absent/x.json"], "no folder"),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_anything_runs(outputs: list[str], told: str, tmp_path: Path) -> None:
    result = diagnose(tmp_path, *outputs)
    assert result.returncode == 2
    assert told in result.stderr


def test_definitions_are_named_by_an_option(repository: Path) -> None:
    definition = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: virtualservices.networking.istio.io}
spec:
  group: networking.istio.io
  names: {kind: VirtualService}
  versions:
  - name: v1
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {host: {type: string}}}}}}
"""
    (repository / "crds.yml").write_text(definition)
    result = diagnose(repository, "shop", "--crds", "crds.yml", "-o", "json")
    found = {(item["code"], item["path"]): item["place"]["line"] for item in json.loads(result.stdout)["findings"]}
    assert found["ML3003", "spec/hosts"] == 13
    none = diagnose(repository, "shop", "--crds", "shop")
    assert none.returncode == 3
    assert "no CustomResourceDefinition" in none.stderr
