"""A batch is added exactly once, wherever its process is killed, and readers only ever see whole batches."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.lake.ingesting import ingest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

#: Every step of the protocol in its order, and whether the batch is decided by then.
STEPS = {
    "planned": False,
    "workers wrote": False,
    "parts written": False,
    "commit written": True,
    "committed access_logs": True,
    "committed spans": True,
    "committed rejects": True,
    "committed sources": True,
    "run written": True,
    "committed runs": True,
    "removed": True,
}


def child(lake: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.lake.ingesting", str(lake), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def counts(lake: Path) -> dict[str, int]:
    """Rows of each table as a reader counts them in the files themselves."""
    tables = ("access_logs", "spans", "rejects", "sources", "runs")
    with open_session(str(lake)) as session:
        return {table: session.query(table).num_rows for table in tables}


def offsets(lake: Path) -> list[int]:
    with open_session(str(lake)) as session:
        return sorted(session.query("access_logs").column("source_offset").to_pylist())


def whole(batches: int) -> dict[str, int]:
    rows = 10 * batches
    return {"access_logs": rows, "spans": rows, "rejects": batches, "sources": batches, "runs": batches}


def test_the_steps_tested_are_the_steps_there_are(tmp_path: Path) -> None:
    done = child(tmp_path / "lake", "--say")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == list(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_a_step(tmp_path: Path, step: str) -> None:
    path = tmp_path / "lake"
    ingest(Lake.open(str(path), create=True), 0)
    done = child(path, "--die-at", step)
    assert done.returncode == -signal.SIGKILL, done.stderr
    # Readers see the state before or after, never between, and need nobody to recover first.
    seen = counts(path)
    assert seen == whole(2 if step in {"committed runs", "removed"} else 1)
    # The next writer settles the batch, once and for all.
    lake = Lake.open(str(path))
    decided = STEPS[step]
    assert counts(path) == whole(2 if decided else 1)
    assert lake.recovered.finished == () if step == "removed" else len(lake.recovered.finished) == decided
    assert len(lake.recovered.discarded) == (not decided)
    assert Lake.open(str(path)).recovered.finished == ()
    # Ingesting on from the recorded position neither loses nor doubles a line.
    ingest(lake, 1)
    assert counts(path) == whole(3 if decided else 2)
    assert offsets(path) == list(range(30 if decided else 20))


def test_killed_again_while_recovering(tmp_path: Path) -> None:
    path = tmp_path / "lake"
    child(path, "--die-at", "commit written")
    for step in ("committed access_logs", "committed rejects", "run written", "committed runs"):
        assert child(path, "--die-at", step).returncode == -signal.SIGKILL
    assert Lake.open(str(path)).recovered.finished != ()
    assert counts(path) == whole(1)


def test_a_commit_finishes_what_a_dead_process_left_first(tmp_path: Path) -> None:
    path = tmp_path / "lake"
    lake = Lake.open(str(path), create=True)
    child(path, "--die-at", "committed access_logs")
    lake.append("diagnose", {})
    assert counts(path) == {**whole(1), "runs": 2}


def test_a_batch_under_way_elsewhere_is_left_alone(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path), create=True)
    with lake.begin("ingest", {}) as batch:
        other = Lake.open(str(tmp_path))
        assert other.recovered.discarded == ()
        other.append("diagnose", {})
        assert batch.commit() == batch.batch_id
    assert counts(tmp_path)["runs"] == 2


def test_a_batch_that_fails_adds_nothing(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path), create=True)
    with pytest.raises(ZeroDivisionError), lake.begin("ingest", {}) as batch:
        _ = batch.batch_id, 1 / 0
    assert not [path for path in (tmp_path / "_batches").iterdir() if path.is_dir()]
    assert counts(tmp_path) == whole(0)
