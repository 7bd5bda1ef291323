"""Compiled functions are used again from disk only where nothing that is compiled into them has changed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = "from pipelines.parsers.caller import twice; print(twice(5), sum(twice.stats.cache_hits.values()))"
CALLER = """
from pipelines.parsers.callee import once
from pipelines.parsers.scan.compiled import compiled

@compiled
def twice(number):
    return once(once(number))
"""
CALLEE = """
from pipelines.parsers.scan.compiled import compiled

@compiled
def once(number):
    return number + {step}
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package `pipelines.parsers` with nothing but the decorator and two functions in files of their own."""
    scan = tmp_path / "pipelines" / "parsers" / "scan"
    scan.mkdir(parents=True)
    for folder in (scan, scan.parent, scan.parent.parent):
        (folder / "__init__.py").touch()
    shutil.copy(ROOT / "pipelines" / "parsers" / "scan" / "compiled.py", scan)
    (scan.parent / "caller.py").write_text(CALLER)
    (scan.parent / "callee.py").write_text(CALLEE.format(step=1))
    return tmp_path


def run(package: Path) -> list[str]:
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120, cwd=package
    )
    return finished.stdout.split()


def test_a_changed_callee_in_another_file_is_compiled_anew(package: Path) -> None:
    assert run(package) == ["7", "0"]
    assert run(package) == ["7", "1"]
    (package / "pipelines" / "parsers" / "callee.py").write_text(CALLEE.format(step=10))
    assert run(package) == ["25", "0"]
