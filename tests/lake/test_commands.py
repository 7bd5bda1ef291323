"""`meshlens sql`, `export` and `maintain` as a user runs them."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.lake.lake import Lake
from pipelines.lake.writer import write_part
from tests.lake.rows import access_logs, rejects

ROOT = Path(__file__).parents[2]
COUNT = "SELECT count(*) AS n FROM access_logs"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("commands") / "lake"
    lake = Lake.open(str(path), create=True)
    for number in range(2):
        with lake.begin("ingest", {}) as batch:
            parts = {"access_logs": access_logs(5, first=5 * number), "rejects": rejects(1, batch.batch_id)}
            batch.commit({name: write_part(lake.uri, name, batch.part_name(0), rows) for name, rows in parts.items()})
    return path


def meshlens(lake: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshlens", *arguments, "--lake", str(lake)]
    return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, timeout=120, check=False)


def test_json_is_one_array_for_each_statement(lake: Path) -> None:
    lines = "SELECT source_offset, start_time, date FROM access_logs ORDER BY 1 LIMIT 2"
    done = meshlens(lake, "sql", "-o", "json", "-c", f"{lines}; SELECT raw, rows FROM rejects, runs LIMIT 1")
    assert (done.returncode, done.stderr) == (0, "")
    decoder = json.JSONDecoder()
    first, end = decoder.raw_decode(done.stdout)
    second, _ = decoder.raw_decode(done.stdout[end:].lstrip())
    assert first == [
        {"source_offset": offset, "start_time": f"2024-05-01T12:00:0{offset}+00:00", "date": "2024-05-01"}
        for offset in range(2)
    ]
    assert second == [{"raw": "\\xff", "rows": {"access_logs": 5, "rejects": 1}}]


def test_csv_from_stdin_with_a_view_nobody_made(lake: Path) -> None:
    done = meshlens(lake, "sql", "-o", "csv", text="SELECT count(*) AS calls, sum(server_lines) AS lines FROM calls;")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(csv.DictReader(io.StringIO(done.stdout))) == [{"calls": "10", "lines": "10"}]


def test_hostile_text_does_not_reach_the_terminal(lake: Path) -> None:
    done = meshlens(lake, "sql", "-c", "SELECT chr(27) || '[2J' || chr(155) || '2J' || chr(8238) AS text")
    assert done.returncode == 0
    assert not {"\x1b", "\x9b", "\u202e"} & set(done.stdout)


def test_macros_are_made_when_used_and_queries_are_no_tables(lake: Path) -> None:
    done = meshlens(lake, "sql", "-o", "csv", "-c", "SELECT address_ip('10.0.0.1:80') AS ip")
    assert done.stdout == "ip\n10.0.0.1\n"
    done = meshlens(lake, "sql", "-c", "SELECT * FROM source_positions")
    assert (done.returncode, "Table with name source_positions does not exist" in done.stderr) == (3, True)


def test_tables_are_listed_with_rows_and_purpose(lake: Path) -> None:
    done = meshlens(lake, "sql", "-o", "json", "-c", ".tables")
    listed = {row["name"]: row for row in json.loads(done.stdout)}
    assert listed["access_logs"] == {"name": "access_logs", "kind": "lake", "purpose": "10 rows"}
    assert listed["calls"]["purpose"].startswith("One row per call")
    assert meshlens(lake, "sql", "-o", "json", "-c", "show tables;").stdout == done.stdout


def test_an_earlier_run(lake: Path) -> None:
    runs = json.loads(meshlens(lake, "sql", "-o", "json", "-c", "SELECT run_id FROM runs ORDER BY started_at").stdout)
    done = meshlens(lake, "sql", "-o", "csv", "--at-run", runs[0]["run_id"], "-c", COUNT)
    assert done.stdout == "n\n5\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-c", "SELECT * FROM nonsense"], "Table with name nonsense does not exist"),
        (["-c", "SELEC 1"], "syntax error"),
        (["-c", "SELECT 1", "--at-run", "nobody"], "there is no run nobody"),
        (["-c", "SELECT 1", "--memory", "lots"], "lots"),
    ],
)
def test_errors_go_to_stderr_with_exit_code_3(lake: Path, arguments: list[str], message: str) -> None:
    done = meshlens(lake, "sql", *arguments)
    assert (done.returncode, done.stdout) == (3, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["sql", "-c", "SELECT 1"], ["maintain"], ["export", "--duckdb", "x.duckdb"]])
def test_no_lake_says_how_to_make_one(tmp_path: Path, command: list[str]) -> None:
    done = meshlens(tmp_path / "none", *command)
    assert (done.returncode, done.stdout) == (3, "")
    assert "meshlens ingest PATH --lake" in done.stderr


def test_the_prompt_goes_on_after_an_error(lake: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "meshlens", "sql", "--lake", str(lake), "-o", "csv"]
    with subprocess.Popen(command, cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shell:
        os.close(theirs)
        os.write(ours, b"SELECT nothing FROM nowhere;\nSELECT count(*) AS n\nFROM access_logs;\n.help\n.quit\n")
        out, err = shell.communicate(timeout=120)
        os.close(ours)
    assert shell.returncode == 0
    assert b"n\n10\n" in out.replace(b"\r", b"")
    assert b"Statements end with" in out
    assert b"nowhere does not exist" in err


def test_export_then_maintain(lake: Path, tmp_path: Path) -> None:
    path = tmp_path / "mesh.duckdb"
    done = meshlens(lake, "export", "--duckdb", str(path))
    assert (done.returncode, done.stdout) == (0, f"{path}\n")
    assert "access_logs: 10 rows" in done.stderr
    assert meshlens(lake, "export", "--duckdb", str(path)).returncode == 3
    assert meshlens(lake, "export", "--duckdb", str(path), "--force").returncode == 0
    done = meshlens(lake, "maintain", "--retention", "0s", "-o", "json")
    assert done.returncode == 0
    tables = {table["table"]: table for table in json.loads(done.stdout)["tables"]}
    assert (tables["access_logs"]["files_joined"], tables["access_logs"]["replaced_deleted"]) == (2, 2)
    assert meshlens(lake, "sql", "-o", "csv", "-c", COUNT).stdout == "n\n10\n"
    assert meshlens(lake, "maintain", "--retention", "soon").returncode == 2
