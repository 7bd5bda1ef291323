"""`meshlens ingest` as a program: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from meshlens.__main__ import build
from meshlens.ingest import split_beam_options
from pipelines.lake.session import open_session
from tests.support.log_lines import json_line, text_log

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


def meshlens_ingest(*arguments: str, lake: Path) -> Result:
    """The command in this process, which has Beam imported already."""
    return CliRunner().invoke(build(["ingest"]), ["ingest", *arguments, "--lake", str(lake)])


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def test_the_result_is_on_stdout_and_the_lake_comes_from_the_environment(inputs: Path, tmp_path: Path) -> None:
    log = text_log(4) + text_log(1)[:60] + b"\nstarted in 3.2 seconds\n"
    (inputs / "access.log").write_bytes(log)
    (inputs / "notes.txt").write_text("hello")
    command = [sys.executable, "-m", "meshlens", "ingest", str(inputs), "--pod", "shop/cart-0", "-o", "json"]
    environment = {**os.environ, "MESHLENS_LAKE": str(tmp_path / "lake")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["read"], report["accepted"], report["rejected"]) == (5, 4, 1)
    counts = {"files": 1, "read": 5, "accepted": 4, "rejected": 1, "bytes": len(log), "others": 1}
    assert report["formats"] == {"istio_text": counts}
    assert [skip["path"] for skip in report["skipped"]] == [str(inputs / "notes.txt")]
    for line in done.stderr.splitlines():
        json.loads(line)
    with open_session(str(tmp_path / "lake")) as session:
        assert set(session.query("access_logs").column("reporter_pod").to_pylist()) == {"cart-0"}


def test_a_table_tells_the_same_and_again_says_nothing_new(inputs: Path, tmp_path: Path) -> None:
    (inputs / "[bold]access.log").write_bytes(text_log(4))
    (inputs / "copy.log").write_bytes(text_log(4))
    (inputs / "access.json").write_bytes(json_line(0))
    done = meshlens_ingest(str(inputs), lake=tmp_path / "lake")
    assert done.exit_code == 0, done.stderr
    assert "istio_text" in done.stdout
    assert f"{inputs}/copy.log holds what {inputs}/[bold]access.log holds; counted once" in done.stdout
    assert "each counts once" in done.stdout
    again = meshlens_ingest(str(inputs), lake=tmp_path / "lake")
    assert again.exit_code == 0
    assert "Nothing new." in again.stdout
    assert "3 files were read before" in again.stdout


def test_nothing_that_can_be_read_is_an_error_with_the_next_step(inputs: Path, tmp_path: Path) -> None:
    (inputs / "notes.txt").write_text("hello")
    done = meshlens_ingest(str(inputs), lake=tmp_path / "lake")
    assert done.exit_code == 3
    assert "notes.txt" in done.stdout
    assert "1 files were skipped" in done.stderr
    assert not (tmp_path / "lake").exists()
    missing = meshlens_ingest(str(inputs / "gone"), lake=tmp_path / "lake")
    assert (missing.exit_code, missing.stdout) == (3, "")
    assert "gone: no such file or folder" in missing.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--pod", "cart"),
        ("--map", "x"),
        ("--step", "0s"),
        ("--since", "yesterday"),
        ("--runner", "NoSuchRunner"),
        ("--", "--no_such_option=1"),
    ],
)
def test_a_wrong_option_is_a_usage_error(inputs: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (inputs / "access.log").write_bytes(text_log(1))
    done = meshlens_ingest(str(inputs), *arguments, lake=tmp_path / "lake")
    assert done.exit_code == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "lake").exists()


def test_beam_options_follow_two_dashes() -> None:
    assert split_beam_options(["a", "b"], None) == (["a", "b"], ())
    assert split_beam_options(["a", "--x=1", "y"], "FlinkRunner") == (["a"], ("--runner=FlinkRunner", "--x=1", "y"))
