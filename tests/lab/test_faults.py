"""Faults of configuration, gRPC and TCP reach real proxies, and diagnosis names them from what those wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.configuration_faults import CONFIGURATION_FAULTS
from tests.lab.fault_mesh import FAULTS_MESH
from tests.lab.kubernetes import Cluster
from tests.lab.mesh import run_lab
from tests.lab.placement import place, reserved_block
from tests.lab.protocol_faults import PROTOCOL_FAULTS
from tests.lab.recording import write_fault_recording
from tests.lab.scenarios import FAULTS_SCENARIO, one_after_another
from tests.support.corpora import FAULTS, Corpus
from tests.support.windows import diagnosed, names, windows_of

if TYPE_CHECKING:
    from pathlib import Path

#: One of each kind: a route, a policy over gRPC, a policy that only TCP's own log field tells of.
SOME = ("missing-route", "grpc-rbac-deny", "tcp-rbac-deny")


@pytest.mark.lab
@pytest.mark.slow
def test_faults_made_now_are_named(tmp_path: Path) -> None:
    faults = tuple(fault for fault in CONFIGURATION_FAULTS + PROTOCOL_FAULTS if fault.name in SOME)
    scenario = one_after_another("some-faults", faults, 4, 2, 5)
    truth = run_lab(scenario, tmp_path / "run")
    write_fault_recording(truth, scenario, tmp_path / "recording")
    corpus = Corpus(tmp_path / "recording")
    report = diagnosed(corpus, tmp_path / "lake")
    windows = windows_of(corpus)
    assert [window["window"] for window in windows] == list(SOME)
    for window in windows:
        found = [finding for finding in report.active if names(finding, window)]
        assert {finding.object for finding in found} == {window["object"]}, window["window"]


def test_the_recording_has_a_window_for_every_fault() -> None:
    recorded = {window["window"]: window for window in windows_of(Corpus(FAULTS))}
    assert list(recorded) == [fault.name for fault in FAULTS_SCENARIO.faults]
    starts = sorted((window["start"], window["end"]) for window in recorded.values())
    assert all(later - end > 7 for (_, end), (later, _) in pairwise(starts))


def test_every_object_of_an_expectation_is_written_down_when_the_fault_comes(tmp_path: Path) -> None:
    with reserved_block() as block:
        placement = place(FAULTS_MESH, block, seed=1)
    for fault in FAULTS_SCENARIO.faults:
        located = fault.expected.object if fault.expected else None
        if fault.change is None or located is None or located.startswith("Deployment/"):
            continue
        folder = tmp_path / fault.name
        cluster = Cluster(FAULTS_MESH, placement, datetime.now(UTC))
        cluster.write(folder, [])
        cluster.watch_mesh(folder, fault.change(FAULTS_MESH))
        events = [json.loads(line) for line in (folder / "watch.jsonl").read_text().splitlines()]
        changed = {_identity(event["object"]) for event in events}
        assert located in changed, fault.name
        cluster.watch_mesh(folder, FAULTS_MESH)
        undone = [json.loads(line) for line in (folder / "watch.jsonl").read_text().splitlines()][len(events) :]
        assert {_identity(event["object"]) for event in undone} == changed


def _identity(found: dict[str, Any]) -> str:
    return f"{found['kind']}/{found['metadata']['namespace']}/{found['metadata']['name']}"
