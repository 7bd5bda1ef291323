"""`meshlens collect` against an API server over HTTP, and what ingest makes of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from meshlens.__main__ import build
from meshlens.collect import folder_name, reading_of
from pipelines.jobs.objects import read_objects
from pipelines.sources.kubernetes_api import Cluster
from pipelines.sources.kubernetes_live import Recorder, snapshot
from pipelines.sources.kubernetes_resources import GROUPS, built_in
from tests.support.kubernetes_api import TOKEN, ApiServer, kubeconfig, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/tls",
    "metadata": {"name": "edge-tls", "namespace": "shop"},
    "data": {"tls.key": "c2VjcmV0LWtleS1ieXRlcw==", "tls.crt": "bm90IGEgY2VydGlmaWNhdGU="},
}
RULE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "cart", "namespace": "shop"},
    "spec": {"host": "cart"},
}


def pod(number: int) -> dict[str, Any]:
    variables = [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "MODE", "value": "fast"}]
    container = {"name": "app", "image": "app", "env": variables}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"cart-{number}", "namespace": "shop"},
        "spec": {"containers": [container]},
    }


@dataclass(frozen=True, slots=True)
class Place:
    api: ApiServer
    address: str
    folder: Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    api = ApiServer()
    for number in range(20):
        api.add(pod(number))
    api.add(RULE)
    api.add(SECRET)
    with serving(api) as [address]:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", east=address)))
        yield Place(api, address, tmp_path)


def collect(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build(["collect"]), ["collect", *arguments])
    return result.exit_code, result.output


def objects(folder: Path) -> list[tuple[str | None, str, str]]:
    rows = read_objects([str(folder)]).objects.to_pylist()
    return sorted((row["cluster"], row["kind"], row["name"]) for row in rows)


def test_everything_is_listed_in_pages_and_can_be_ingested(place: Place) -> None:
    out = place.folder / "out"
    code, text = collect("--out", str(out))
    assert code == 0, text
    assert "east: 21 objects" in text
    pods = [(None, "Pod", f"cart-{number}") for number in range(20)]
    assert objects(out) == sorted([(None, "DestinationRule", "cart"), *pods])
    assert place.api.asked.keys() == {"GET"}
    assert set(place.api.page_limits) == {500}


def test_nothing_secret_is_written_or_said(place: Place) -> None:
    code, text = collect("--out", str(place.folder / "out"), "--secrets")
    assert code == 0
    written = (place.folder / "out" / "east" / "objects.jsonl").read_text()
    assert "edge-tls" in written
    for hidden in ("c2VjcmV0", "bm90IGEg", "hunter2", TOKEN):
        assert hidden not in written + text
    assert '"value":"fast"' in written
    # Read back, a Secret says of its values what it said before.
    (row,) = [row for row in read_objects([str(place.folder / "out")]).objects.to_pylist() if row["kind"] == "Secret"]
    data = json.loads(row["object_json"])["data"]
    assert data["tls.key"] == {"redacted_bytes": 16}
    assert data["tls.crt"] == {"redacted_bytes": 17, "certificate": {"problem": "no PEM block"}}


def test_pages_that_expire_begin_anew(place: Place) -> None:
    place.api.expired_pages = 2
    assert collect("--out", str(place.folder / "out"))[0] == 0
    assert len(objects(place.folder / "out")) == 21


def test_what_is_forbidden_is_said_and_left_out(place: Place) -> None:
    place.api.forbidden.add("/api/v1/pods")
    code, text = collect("--out", str(place.folder / "out"))
    assert code == 0
    assert "not read: pods" in text
    assert objects(place.folder / "out") == [(None, "DestinationRule", "cart")]


def test_several_clusters_keep_their_names(place: Place) -> None:
    west = ApiServer()
    west.add(RULE)
    with serving(west) as [address]:
        kubeconfig(place.folder / "config", east=place.address, west=address)
        assert collect("--out", str(place.folder / "out"), "--context", "east", "--context", "west")[0] == 0
    found = [entry for entry in objects(place.folder / "out") if entry[1] == "DestinationRule"]
    assert found == [("east", "DestinationRule", "cart"), ("west", "DestinationRule", "cart")]


def test_a_cluster_that_does_not_answer_is_an_error(place: Place) -> None:
    code, text = collect("--context", "nowhere")
    assert (code, "nowhere" in text) == (3, True)
    kubeconfig(place.folder / "config", east="http://127.0.0.1:9")
    code, text = collect("--out", str(place.folder / "out"))
    assert code == 3
    assert "is the cluster reachable?" in text
    assert TOKEN not in text


def test_a_watch_records_changes_once_also_over_a_version_that_is_gone(place: Place) -> None:
    lines: list[bytes] = []
    cluster = Cluster.connect(None, named=False)
    reading = reading_of(None, secrets=False)
    taken = snapshot(cluster, reading)
    recorder = Recorder(cluster, reading, lines.append)
    recorder.start(taken)
    place.api.change("MODIFIED", {**pod(1), "spec": {"nodeName": "a"}})
    place.api.change("DELETED", pod(2))
    wait_for(lines, 2)
    # The versions that watches know are gone: they list anew and tell what is different, and only that.
    place.api.oldest_version = place.api.version + 1
    place.api.events.clear()
    place.api.change("ADDED", pod(77))
    place.api.oldest_version = place.api.version
    wait_for(lines, 3)
    time.sleep(1.2)
    recorder.stop()
    events = [json.loads(line) for line in lines]
    told = [(event["type"], event["object"]["metadata"]["name"]) for event in events]
    assert told == [("MODIFIED", "cart-1"), ("DELETED", "cart-2"), ("ADDED", "cart-77")]
    assert all(event["observed_at"].endswith("Z") for event in events)


def wait_for(lines: list[bytes], count: int) -> None:
    deadline = time.monotonic() + 20
    while len(lines) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(lines) == count, lines


def test_the_role_grants_what_is_read_and_no_more() -> None:
    documents = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "collect.yaml").read_text())
    roles = {(item["kind"], item["metadata"]["name"]): item["rules"] for item in documents if "rules" in item}
    granted = {
        (group, resource)
        for rule in roles["ClusterRole", "meshlens-collect"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    read = {(item.api_version.rpartition("/")[0], item.path.rpartition("/")[2]) for item in built_in((), secrets=False)}
    discovered = {(group, resource) for group, resource in granted if resource == "*"}
    assert granted - discovered == read
    assert {group for group, _ in discovered if not group.endswith(".istio.io")} == set(GROUPS)
    verbs = {verb for rules in roles.values() for rule in rules for verb in rule["verbs"]}
    assert verbs <= {"get", "list", "watch"}


def test_a_context_is_a_folder_whatever_its_name() -> None:
    assert folder_name("arn:aws:eks:eu-1:1:cluster/x") == "arn-aws-eks-eu-1-1-cluster-x"
    assert folder_name("../../etc") == "etc"
    assert folder_name("///") == "cluster"


def test_a_live_cluster_is_diagnosed(place: Place) -> None:
    rule = {**RULE, "metadata": {"name": "gone", "namespace": "shop"}, "spec": {"host": "gone.shop.svc.cluster.local"}}
    place.api.add(rule)
    place.api.add(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart", "namespace": "shop"}, "spec": {}}
    )
    result = CliRunner().invoke(build(["diagnose"]), ["diagnose", "--live", "-o", "json", "--fail-on", "never"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["findings"]
    assert "DestinationRule/shop/gone" in {item["object"] for item in found if item["code"] == "ML0101"}
    assert TOKEN not in result.output
