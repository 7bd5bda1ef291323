"""The stream over files that grow, appear, rotate and are truncated, one bounded batch at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pipelines.jobs import stream as stream_module
from pipelines.jobs.stream import StreamOptions, run_stream
from pipelines.lake.errors import LakeError
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.support.log_lines import text_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.jobs.report import IngestReport


@pytest.fixture
def lake(tmp_path: Path) -> str:
    return str(tmp_path / "lake")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def run_steps(logs: Path, lake: str, *steps: Callable[[], object]) -> list[IngestReport]:
    """A stream that is given one step of somebody's writing after each look at the files."""
    reports: list[IngestReport] = []
    left = list(steps)

    def idle() -> None:
        if left:
            left.pop(0)()

    looks = 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return not left and looks > len(steps) + 2

    run_stream([str(logs)], lake, StreamOptions(interval_seconds=0, stop=stop), reports.append, idle)
    return reports


def request_ids(lake: str) -> list[str]:
    with open_session(lake) as session:
        return sorted(session.query("access_logs").column("request_id").to_pylist())


def expected(*numbers: range) -> list[str]:
    """Request ids of so many lines of `text_log`."""
    from pipelines.parsers.istio_text import parse_istio_text

    log = b"".join(text_log(len(each), each.start) for each in numbers)
    return sorted(parse_istio_text(log, 0).accepted.column("request_id").to_pylist())


def test_what_a_file_grows_by_is_read_once(logs: Path, lake: str) -> None:
    log = logs / "a.log"
    log.write_bytes(text_log(10))

    def grow() -> None:
        with log.open("ab") as file:
            file.write(text_log(5, 10))

    reports = run_steps(logs, lake, grow)
    assert [report.read for report in reports] == [10, 5]
    assert request_ids(lake) == expected(range(15))


def test_a_line_counts_once_it_has_its_end(logs: Path, lake: str) -> None:
    log = logs / "a.log"
    whole = text_log(11)
    log.write_bytes(whole[:-40])
    reports = run_steps(logs, lake, lambda: log.write_bytes(whole))
    assert [report.read for report in reports] == [10, 1]
    assert [report.rejected for report in reports] == [0, 0]


def test_a_rotated_file_goes_on_and_the_new_one_begins(logs: Path, lake: str) -> None:
    log = logs / "a.log"
    log.write_bytes(text_log(10))

    def rotate() -> None:
        with log.open("ab") as file:
            file.write(text_log(3, 10))
        log.rename(logs / "a.log.1")
        log.write_bytes(text_log(4, 13))

    run_steps(logs, lake, rotate)
    assert request_ids(lake) == expected(range(17))


def test_a_truncated_file_starts_over(logs: Path, lake: str) -> None:
    log = logs / "a.log"
    log.write_bytes(text_log(10))
    run_steps(logs, lake, lambda: log.write_bytes(text_log(4, 20)))
    assert request_ids(lake) == expected(range(10), range(20, 24))


def test_files_appear_later_and_what_is_no_input_is_named_once(logs: Path, lake: str) -> None:
    def appear() -> None:
        (logs / "b.log").write_bytes(text_log(2))
        (logs / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))

    reports = run_steps(logs, lake, appear, lambda: None)
    assert sum(report.read for report in reports) == 2
    assert [skip.path for report in reports for skip in report.skipped] == [str(logs / "picture.png")]


def test_a_backlog_is_taken_in_bounded_batches(logs: Path, lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "FILE_BYTES", len(text_log(10)))
    monkeypatch.setattr(stream_module, "BATCH_BYTES", len(text_log(15)))
    for name in ("a", "b", "c"):
        folder = logs / name
        folder.mkdir()
        (folder / "access.log").write_bytes(text_log(40, ord(name) * 100))
    reports: list[IngestReport] = []
    run_stream([str(logs)], lake, StreamOptions(interval_seconds=0, drain=True), reports.append)
    assert sum(report.read for report in reports) == 120
    assert max(report.read for report in reports) <= 30
    assert len(request_ids(lake)) == 120


def test_a_restart_reads_on(logs: Path, lake: str) -> None:
    log = logs / "a.log"
    log.write_bytes(text_log(10))
    drain = StreamOptions(interval_seconds=0, drain=True)
    assert run_stream([str(logs)], lake, drain, lambda _: None) == 1
    assert run_stream([str(logs)], lake, drain, lambda _: None) == 0
    with log.open("ab") as file:
        file.write(text_log(1, 10))
    assert run_stream([str(logs)], lake, drain, lambda _: None) == 1
    assert request_ids(lake) == expected(range(11))


def test_another_process_that_ingests_the_same_files_is_noticed(logs: Path, lake: str) -> None:
    from pipelines.jobs.ingest import run_ingest

    log = logs / "a.log"
    log.write_bytes(text_log(10))

    def ingest() -> None:
        with log.open("ab") as file:
            file.write(text_log(5, 10))
        run_ingest([str(logs)], lake)

    run_steps(logs, lake, ingest)
    assert request_ids(lake) == expected(range(15))


@pytest.mark.slow
def test_the_command_analyses_and_ends_on_a_signal(logs: Path, lake: str, tmp_path: Path) -> None:
    (logs / "a.log").write_bytes(text_log(30))
    command = [sys.executable, "-m", "meshlens", "stream", "--lake", lake, "--interval", "1s"]
    with (tmp_path / "log").open("wb") as output:
        process = subprocess.Popen([*command, "--analyze-every", "1s", str(logs)], stdout=output, stderr=output)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
        if {"batch", "analysis"} <= {event["event"] for event in events}:
            break
        time.sleep(0.3)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    assert [event["read"] for event in events if event["event"] == "batch"] == [30]
    assert "analysis" in {event["event"] for event in events}
    assert events[-1]["event"] == "stopped"
    with open_session(lake) as session:
        kinds = set(session.query("runs").column("kind").to_pylist())
    assert {"stream", "diagnose", "alerts"} <= kinds


def test_a_lake_that_cannot_be_made_is_an_error(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises((LakeError, OSError)):
        Lake.open(str(tmp_path / "file" / "lake"), create=True)
    with pytest.raises((LakeError, OSError)):
        run_stream([str(logs)], str(tmp_path / "file" / "lake"), StreamOptions(drain=True), lambda _: None)
