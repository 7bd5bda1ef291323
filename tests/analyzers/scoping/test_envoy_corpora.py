"""Over every healthy corpus: hosts are the least that its ground truth asks for, and short windows abstain."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from analyzers.scoping.assessment import Settings
from analyzers.scoping.recommend import recommend
from pipelines.jobs.ingest import run_ingest
from pipelines.lake.session import open_session
from tests.support.corpora import Corpus, each_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from analyzers.scoping.model import ScopingResult

pytestmark = pytest.mark.corpus


def minimal_hosts(corpus: Corpus) -> dict[str, set[str]]:
    """By `namespace/app`, for every app with a sidecar that is no gateway: the registered hosts that it called."""
    truth: Any = corpus.truth
    objects = yaml.safe_load((corpus.path / "input/kubernetes/objects.yaml").read_text(encoding="utf-8"))["items"]
    places = [
        (item["kind"], item["metadata"]["namespace"], item) for item in objects if "namespace" in item["metadata"]
    ]
    homes = {host: space for kind, space, item in places if kind == "ServiceEntry" for host in item["spec"]["hosts"]}
    homes |= {pod["service"]: pod["namespace"] for pod in truth["pods"] if pod["service"]}
    apps = {
        item["metadata"]["name"]: item["metadata"]["labels"].get("app") for kind, _, item in places if kind == "Pod"
    }
    callers = {
        pod["workload"]: f"{pod['namespace']}/{apps[pod['pod']]}"
        for pod in truth["pods"]
        if pod["sidecar"] and pod["service"]
    }
    wanted: dict[str, set[str]] = defaultdict(set, {name: set() for name in callers.values()})
    for edge in truth["edges"]:
        if edge["from"] in callers and edge["to"] in homes:
            wanted[callers[edge["from"]]].add(f"{homes[edge['to']]}/{edge['to']}")
    return dict(wanted)


def recommended(corpus: Corpus, uri: Path, window: timedelta, *telemetry: str) -> ScopingResult:
    run_ingest(corpus.inputs("kubernetes", *telemetry), str(uri))
    with open_session(str(uri)) as session:
        return recommend(session, Settings(window))


@pytest.mark.parametrize("telemetry", [("logs-text",), ("logs-json",), ("logs-text", "prometheus")], ids="+".join)
@each_corpus(healthy=True)
def test_hosts_are_the_least_that_the_truth_asks_for(
    corpus: Corpus, telemetry: tuple[str, ...], tmp_path: Path
) -> None:
    wanted = minimal_hosts(corpus)
    assert any(wanted.values())
    result = recommended(corpus, tmp_path / "lake", timedelta(seconds=30), *telemetry)
    found = {f"{item.namespace}/{item.workload}": item for item in result.recommendations}
    assert {name: set(item.hosts) - set(item.base) for name, item in found.items()} == wanted
    for name, item in found.items():
        assert item.base == ("istio-system/*",)
        assert item.verdict == ("EMIT" if wanted[name] else "EMIT_REVIEW"), item.reasons
        assert item.replay is not None
        assert item.replay.calls_out_of_scope == 0
        assert item.replay.calls_after > 0 or not wanted[name]
        assert "version" not in item.selector
        assert item.benefit is not None
        assert item.benefit.after.clusters < item.benefit.before.clusters


@each_corpus(healthy=True)
def test_the_default_window_abstains_and_says_why(corpus: Corpus, tmp_path: Path) -> None:
    result = recommended(corpus, tmp_path / "lake", timedelta(hours=24), "logs-text")
    assert len(result.recommendations) == len(minimal_hosts(corpus))
    for item in result.recommendations:
        assert (item.verdict, item.hosts, item.manifest) == ("ABSTAIN", (), None)
        assert any("--min-window" in reason.message for reason in item.reasons)
