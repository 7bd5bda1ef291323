"""A stream killed again and again while a log grows, rotates and is compressed: every line once."""

from __future__ import annotations

import gzip
import random
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pipelines.jobs.stream import StreamOptions, run_stream
from pipelines.lake.session import open_session
from tests.support.log_lines import request_id, text_line

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

KILLS = 10
LINES_TO_ROTATION = 300


class Writer(threading.Thread):
    """Writes a log as a proxy and a log rotator do: in pieces of lines, renamed when long, compressed later."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(daemon=True)
        self.lines = 0
        self.rotations = 0
        self._log = folder / "access.log"
        self._random = random.Random(seed)
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            with self._log.open("ab", buffering=0) as file:
                for _ in range(LINES_TO_ROTATION):
                    line = text_line(self.lines)
                    cut = self._random.randrange(len(line))
                    file.write(line[:cut])
                    time.sleep(self._random.uniform(0, 0.01))
                    file.write(line[cut:])
                    self.lines += 1
            self._rotate()

    def _rotate(self) -> None:
        self.rotations += 1
        rotated = self._log.with_name(f"access.log.{self.rotations}")
        self._log.rename(rotated)
        older = self._log.with_name(f"access.log.{self.rotations - 1}")
        if older.exists() and self.rotations % 2:
            data = gzip.compress(older.read_bytes())
            with older.with_name(f"{older.name}.gz").open("wb", buffering=0) as file:
                for begin in range(0, len(data), 1000):
                    file.write(data[begin : begin + 1000])
                    time.sleep(0.005)
            older.unlink()

    def finish(self) -> None:
        self._over.set()
        self.join()


def test_ten_kills_at_random_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(20261123)
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    logs.mkdir()
    writer = Writer(logs, 7)
    writer.start()
    command = [sys.executable, "-m", "meshlens", "stream", str(logs), "--lake", str(lake), "--interval", "0.2s"]
    batches = 0
    for kill in range(KILLS):
        said = tmp_path / f"stderr-{kill}"
        with said.open("wb") as stderr:
            stream = subprocess.Popen([*command, "--analyze-every", "0s"], stdout=stderr, stderr=stderr)
            deadline = time.monotonic() + 60
            while b'"batch"' not in said.read_bytes() and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(chance.uniform(0, 1.5))
            assert stream.poll() is None, said.read_text()
            stream.send_signal(signal.SIGKILL)
            stream.wait()
        batches += said.read_bytes().count(b'"batch"')
    writer.finish()
    run_stream([str(logs)], str(lake), StreamOptions(interval_seconds=0, drain=True), lambda _: None)
    with open_session(str(lake)) as session:
        found = sorted(session.query("access_logs").column("request_id").to_pylist())
        assert session.rows("rejects") == 0
    assert batches >= KILLS
    assert writer.rotations >= KILLS
    assert found == [request_id(number) for number in range(writer.lines)]
