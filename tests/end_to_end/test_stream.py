"""A stream that is killed again and again while real Envoys write: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from analyzers.framework.analyzer import Options
from analyzers.topology.service_graph import service_graph
from pipelines.lake.errors import LakeError
from pipelines.lake.session import open_session
from tests.lab import SMOKE, BackgroundLab

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.slow]

KILLS = 10
LOAD_SECONDS = 45


def start_stream(lab: BackgroundLab, lake: Path, log: Path) -> subprocess.Popen[bytes]:
    paths = [str(lab.input / "kubernetes"), str(lab.input / "logs-text")]
    command = [sys.executable, "-m", "meshlens", "stream", "--lake", str(lake), "--interval", "1s", *paths]
    with log.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=file)


def lines_written(lab: BackgroundLab) -> int:
    """Lines of all text logs, rotated ones too."""
    return sum(path.read_bytes().count(b"\n") for path in (lab.input / "logs-text").rglob("*") if path.is_file())


def rows_read(lake: Path) -> int:
    try:
        with open_session(str(lake)) as session:
            return session.rows("access_logs")
    except LakeError:
        return 0


def test_ten_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    randomness = random.Random(20261122)
    lake, log = tmp_path / "lake", tmp_path / "stream.log"
    with BackgroundLab(replace(SMOKE, faults=()), tmp_path / "lab") as lab:
        lab.load_for(LOAD_SECONDS)
        for kill in range(KILLS):
            stream = start_stream(lab, lake, log)
            time.sleep(randomness.uniform(1.0, 7.0))
            assert stream.poll() is None, log.read_text()
            stream.send_signal(signal.SIGKILL)
            stream.wait()
            if kill == KILLS // 2:
                lab.rotate_logs()
        lab.wait()
        stream = start_stream(lab, lake, log)
        try:
            deadline = time.monotonic() + 60
            while rows_read(lake) < lines_written(lab) and time.monotonic() < deadline:
                time.sleep(0.5)
            truth = lab.stop()
            while rows_read(lake) < lines_written(lab) and time.monotonic() < deadline:
                time.sleep(0.5)
        finally:
            stream.send_signal(signal.SIGINT)
            assert stream.wait(timeout=30) == 0, log.read_text()
        written = lines_written(lab)
    with open_session(str(lake)) as session:
        rows = session.query("access_logs").select(["source", "source_offset"]).to_pylist()
        edges = Counter[tuple[str, str, str]]()
        for edge in service_graph(session, "logs", Options()).edges:
            if edge.caller_kind != "gateway":
                edges[edge.caller, edge.callee, edge.protocol] += edge.calls
        assert session.rows("rejects") == 0
    assert len(rows) == written
    assert edges == Counter({key: edge.count for key, edge in truth.edges.items()})


def test_a_request_is_readable_within_ten_seconds(tmp_path: Path) -> None:
    lake, log = tmp_path / "lake", tmp_path / "stream.log"
    with BackgroundLab(replace(SMOKE, faults=()), tmp_path / "lab") as lab:
        stream = start_stream(lab, lake, log)
        try:
            deadline = time.monotonic() + 60
            lab.load_for(4)
            lab.wait()
            while rows_read(lake) < lines_written(lab) and time.monotonic() < deadline:
                time.sleep(0.2)
            before, begun = rows_read(lake), time.monotonic()
            lab.load_for(1)
            while rows_read(lake) <= before and time.monotonic() < deadline:
                time.sleep(0.2)
            seconds = time.monotonic() - begun
        finally:
            stream.send_signal(signal.SIGINT)
            assert stream.wait(timeout=30) == 0, log.read_text()
    assert rows_read(lake) > before > 0
    assert seconds < 10
