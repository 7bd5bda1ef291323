"""`meshlens recommend` as a user runs it, on a scenario's lake."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from meshlens.__main__ import build
from pipelines.lake.session import open_session
from tests.analyzers.scoping.lakes import lake_of

SCENARIOS = Path(__file__).parents[1] / "scoping_scenarios"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    return lake_of(SCENARIOS / "s01_bookinfo", tmp_path_factory.mktemp("bookinfo") / "lake")


@dataclass(frozen=True, slots=True)
class Run:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def meshlens(*arguments: str) -> Run:
    """The command in this process: starting Python takes longer than the command."""
    result = CliRunner().invoke(build(["recommend"]), ["recommend", *arguments], catch_exceptions=False)
    return Run(result.exit_code, result.stdout, result.stderr)


def started(*arguments: str) -> Run:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "meshlens", "recommend", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return Run(result.returncode, result.stdout, result.stderr)


def test_json_and_the_lake_say_the_same(lake: str) -> None:
    run = started("--lake", lake, "-o", "json")
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)["recommendations"]
    assert {item["name"]: item["verdict"] for item in said} == {
        "details": "EMIT_REVIEW",
        "productpage": "EMIT",
        "ratings": "EMIT_REVIEW",
        "reviews": "EMIT",
    }
    with open_session(lake) as session:
        kept = session.query("recommendations").to_pylist()
        (kind,) = set(session.query("runs").column("kind").to_pylist()) - {"ingest"}
    assert kind == "recommend"
    workloads = [row for row in kept if row["kind"] == "Sidecar"]
    proposals = {item["target"]: item for item in json.loads(run.stdout)["proposals"]}
    assert {row["workload"]: row["hosts"] for row in kept if row["kind"] != "Sidecar"} == {
        target: item["values"] for target, item in proposals.items()
    }
    assert {row["name"]: row["fingerprint"] for row in workloads} == {
        item["name"]: item["fingerprint"] for item in said
    }
    for row in workloads:
        item = next(item for item in said if item["name"] == row["name"])
        assert row["hosts"] == item["hosts"]
        assert yaml.safe_load(row["manifest"]) == item["manifest"]
        evidence = json.loads(row["coverage"])
        assert evidence["base"] == item["base"] == ["istio-system/*"]
        assert evidence["calls"] == item["coverage"]["calls"]


def test_yaml_is_manifests_and_nothing_else(lake: str) -> None:
    run = meshlens("--lake", lake, "-o", "yaml", "--workload", "reviews")
    (manifest,) = yaml.safe_load_all(run.stdout)
    assert manifest["metadata"]["name"] == "reviews"
    assert manifest["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "meshlens"}
    assert manifest["metadata"]["annotations"]["meshlens.io/verdict"] == "EMIT"
    assert manifest["spec"]["workloadSelector"] == {"labels": {"app": "reviews"}}


def test_a_window_that_is_too_short_leaves_no_manifest(lake: str, tmp_path: Path) -> None:
    run = meshlens("--lake", lake, "--min-window", "30d", "--out", str(tmp_path / "out"))
    assert run.returncode == 0
    assert run.stdout.count("  ABSTAIN  ") == 4
    assert run.stdout.count("    ! observed for ") == 4
    kustomization = yaml.safe_load((tmp_path / "out" / "kustomization.yaml").read_text())
    assert kustomization["resources"] == []


def test_a_folder_for_kustomize(lake: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert " 0 unchanged" in meshlens("--lake", lake, "--out", str(out)).stderr
    assert ": 0 files written" in meshlens("--lake", lake, "--out", str(out)).stderr
    assert yaml.safe_load((out / "kustomization.yaml").read_text())["resources"] == [
        "default/productpage.yaml",
        "default/reviews.yaml",
    ]
    narrowed = meshlens("--lake", lake, "--out", str(out), "--workload", "reviews", "--prune")
    assert "removed" not in narrowed.stderr
    assert (out / "default/productpage.yaml").exists()


def test_the_minute_rollup_says_the_same_as_lines(lake: str) -> None:
    runs = [meshlens("--lake", lake, "-o", "json", "--source", source).stdout for source in ("lines", "minutes")]
    lines, minutes = (json.loads(run)["recommendations"] for run in runs)
    assert [(item["name"], item["verdict"], item["hosts"]) for item in minutes] == [
        (item["name"], item["verdict"], item["hosts"]) for item in lines
    ]
    assert [item["replay"]["calls_out_of_scope"] for item in minutes] == [0] * len(lines)


def test_the_body_of_a_pull_request(lake: str) -> None:
    text = meshlens("--lake", lake, "--format", "markdown").stdout
    for part in ("| Sidecar default/productpage | EMIT |", "## Order", "1. canary: workloads of default", "To go back"):
        assert part in text


def test_the_tree_as_one_text(lake: str) -> None:
    documents = list(yaml.safe_load_all(meshlens("--lake", lake, "--format", "kustomize").stdout))
    assert documents[-1]["resources"] == ["default/productpage.yaml", "default/reviews.yaml"]
    assert {"Sidecar", "Kustomization"} <= {document["kind"] for document in documents if "kind" in document}


def test_one_workload_explained(lake: str) -> None:
    run = meshlens("--lake", lake, "--explain", "productpage")
    for part in (
        "verdict: EMIT",
        "kept: default/details.default.svc.cluster.local [called]",
        "replay: split at 2026-06-",
        "formula: clusters = ",
        "manifest:\napiVersion: networking.istio.io/v1",
    ):
        assert part in run.stdout
    assert "ratings" not in run.stdout


def test_what_cannot_be_explained(lake: str) -> None:
    gateway = meshlens("--lake", lake, "--explain", "istio-ingressgateway")
    assert (gateway.returncode, gateway.stdout) == (3, "")
    assert "never gets a Sidecar: gateway" in gateway.stderr
    assert "no workload is called nobody" in meshlens("--lake", lake, "--explain", "nobody").stderr


def test_missing_inputs_are_said_and_fail_only_when_strict(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario"
    (scenario / "config").mkdir(parents=True)
    (scenario / "config/objects.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\n")
    lake = lake_of(scenario, tmp_path / "lake")
    run = meshlens("--lake", lake)
    assert run.returncode == 0
    assert "skipped: needs mesh_objects of kind Pod" in run.stderr
    assert "skipped: needs access_logs, edges_1m or metric_samples" in run.stderr
    assert meshlens("--lake", lake, "--strict").returncode == 4


def test_no_lake_is_an_input_error(tmp_path: Path) -> None:
    run = meshlens("--lake", str(tmp_path / "none"))
    assert (run.returncode, run.stdout) == (3, "")
    assert "none" in run.stderr


def test_a_window_that_is_none_is_a_usage_error(lake: str) -> None:
    assert meshlens("--lake", lake, "--min-window", "soon").returncode == 2
