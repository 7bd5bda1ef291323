"""Inputs and disks that misbehave while a job runs: errors that say so, and nothing half committed."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipelines.inputs.bundles import pack
from pipelines.inputs.checkpoints import Checkpoints
from pipelines.inputs.options import InputOptions
from pipelines.inputs.plan import plan_inputs
from pipelines.jobs import pipeline
from pipelines.jobs.ingest import run_ingest
from pipelines.lake.session import open_session
from tests.support.log_lines import text_line, text_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.jobs.pipeline import Outcome


def lines_of(lake: str) -> int:
    with open_session(lake) as session:
        return int(session.query("access_logs").num_rows)


def during(change: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a change between the plan of a job and its reading."""
    run = pipeline.run_pipeline

    def changed(*arguments: object) -> Outcome:
        change()
        return run(*arguments)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr("pipelines.jobs.ingest.run_pipeline", changed)


def test_a_file_that_grows_meanwhile_is_read_as_far_as_was_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, lake = tmp_path / "a.log", str(tmp_path / "lake")
    log.write_bytes(text_log(50))
    during(lambda: log.write_bytes(text_log(80)), monkeypatch)
    assert run_ingest([str(log)], lake).accepted == 50
    monkeypatch.undo()
    assert run_ingest([str(log)], lake).accepted == 30
    assert lines_of(lake) == 80


@pytest.mark.parametrize(
    ("content", "message"), [(text_log(20), "it shrank while"), (text_log(50, first=500), "its beginning changed")]
)
def test_a_file_that_shrinks_or_is_replaced_meanwhile_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    log, lake = tmp_path / "a.log", str(tmp_path / "lake")
    log.write_bytes(text_log(50))
    during(lambda: log.write_bytes(content), monkeypatch)
    with pytest.raises(Exception, match=rf"a\.log: .*{message}.*nothing was added, run again"):
        run_ingest([str(log)], lake)
    assert lines_of(lake) == 0


def test_a_disk_that_fills_is_told_and_nothing_is_half_committed(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    (tmp_path / "small.log").write_bytes(text_log(10))
    run_ingest([str(tmp_path / "small.log")], lake)
    choices = random.Random(1)
    agents = (choices.randbytes(60).hex().encode() for _ in range(8000))
    log = tmp_path / "large.log"
    log.write_bytes(b"".join(text_line(100 + at).replace(b"curl/8.5.0", agent) for at, agent in enumerate(agents)))
    limit = 200_000

    def small_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "meshlens", "ingest", str(log), "--lake", lake]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=small_disk)
    assert done.returncode == 3, done.stderr
    assert "cannot be written: File too large; nothing of this batch was added. Make room" in done.stderr
    assert "Traceback" not in done.stderr
    assert lines_of(lake) == 10
    assert run_ingest([str(log)], lake).accepted == 8000
    assert lines_of(lake) == 8010


def test_a_folder_of_many_files_is_planned_in_few_bundles(tmp_path: Path) -> None:
    for number in range(2500):
        (tmp_path / f"{number}.log").write_bytes(text_line(number))
    plan = plan_inputs([str(tmp_path)], Checkpoints(), InputOptions(quiet_seconds=0))
    assert len(plan.ranges) == 2500
    assert [len(bundle.work) for bundle in pack(plan.ranges)] == [2000, 500]
