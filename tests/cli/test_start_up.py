from __future__ import annotations

import subprocess
import sys

import pytest

from meshlens.__main__ import COMMANDS

#: What no `--help` may pay for.
HEAVY = (
    "apache_beam",
    "pyarrow",
    "duckdb",
    "deltalake",
    "streamlit",
    "pandas",
    "numpy",
    "sklearn",
    "networkx",
    "plotly",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_imports_nothing_heavy(command: str) -> None:
    code = (
        "import sys\n"
        "from meshlens.__main__ import build\n"
        f"try: build([{command!r}])([{command!r}, '--help'], standalone_mode=False)\n"
        "finally: print('imported:', *sorted(set(sys.modules) & set(sys.argv[1:])), file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr.strip() == "imported:"
    assert "Usage" in result.stdout


def test_the_module_runs_as_a_program_and_lists_every_command() -> None:
    result = subprocess.run([sys.executable, "-m", "meshlens", "--help"], capture_output=True, text=True, check=False)
    assert result.returncode == 0
    assert all(command in result.stdout for command in COMMANDS)


def test_an_unknown_command_is_a_usage_error() -> None:
    result = subprocess.run([sys.executable, "-m", "meshlens", "guess"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""


@pytest.mark.parametrize(
    "command", ["diagnose", "topology", "alerts", "recommend", "doctor", "sql", "export", "maintain"]
)
def test_a_missing_lake_is_named_with_the_next_step(command: str, tmp_path: object) -> None:
    extra = {"sql": ["-c", "SELECT 1"], "export": ["--duckdb", f"{tmp_path}/out.duckdb"]}.get(command, [])
    result = subprocess.run(
        [sys.executable, "-m", "meshlens", command, "--lake", f"{tmp_path}/none", *extra],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 3
    assert "meshlens ingest" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def test_a_time_that_cannot_be_read_is_a_usage_error() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "meshlens", "topology", "--since", "yesterday"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "30s" in result.stderr
