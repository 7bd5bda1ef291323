"""Several processes write to one lake while another reads it."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def writer(lake: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.lake.ingesting", str(lake), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def state(lake: Path) -> tuple[int, int, int, list[int]]:
    """Runs, log lines, spans and the sorted offsets of lines, of one snapshot."""
    with open_session(str(lake)) as session:
        offsets = sorted(session.query("access_logs").column("source_offset").to_pylist())
        return session.query("runs").num_rows, len(offsets), session.query("spans").num_rows, offsets


def test_two_writers_and_a_reader(tmp_path: Path) -> None:
    Lake.open(str(tmp_path), create=True)
    seen: list[int] = []
    with writer(tmp_path, "--batches", "8") as one, writer(tmp_path, "--batches", "8") as other:
        while one.poll() is None or other.poll() is None:
            runs, lines, spans, offsets = state(tmp_path)
            assert (lines, spans, offsets) == (10 * runs, 10 * runs, list(range(lines)))
            seen.append(runs)
        assert (one.returncode, other.returncode) == (0, 0)
    assert seen == sorted(seen)
    assert state(tmp_path) == (16, 160, 160, list(range(160)))


def test_killed_ten_times_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(7)
    Lake.open(str(tmp_path), create=True)
    for _ in range(10):
        with writer(tmp_path, "--batches", "1000", "--say") as process:
            assert process.stdout is not None
            process.stdout.readline()  # it has started on its first batch, or finishes the one before
            time.sleep(chance.random() * 0.7)
            process.kill()
        runs, lines, spans, offsets = state(tmp_path)
        assert (lines, spans, offsets) == (10 * runs, 10 * runs, list(range(lines)))
    with writer(tmp_path) as process:
        assert process.wait() == 0
    runs, lines, spans, offsets = state(tmp_path)
    assert runs > 1
    assert (lines, spans, offsets) == (10 * runs, 10 * runs, list(range(lines)))
