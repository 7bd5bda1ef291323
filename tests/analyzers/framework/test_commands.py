"""The commands diagnose, list and explain as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from analyzers.framework.analyzer import Report, Skipped
from analyzers.framework.finding import Finding
from meshlens.diagnose import exit_code
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.support.rows import Row, mesh_object, service

if TYPE_CHECKING:
    from pathlib import Path


def meshlens(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meshlens", *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def objects(*extra: Row) -> list[Row]:
    route = mesh_object(
        "networking.istio.io/v1",
        "VirtualService",
        "shop",
        "cart",
        {"spec": {"hosts": ["x.example"], "http": [{"route": [{"destination": {"host": "card"}}]}]}},
    )
    return [service("shop", "cart", 80), route, *extra]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = str(tmp_path_factory.mktemp("mesh") / "lake")
    Lake.open(uri, create=True).append("ingest", {"mesh_objects": Row.table(objects())})
    return uri


def test_help_imports_nothing_heavy() -> None:
    heavy = ("duckdb", "pyarrow", "apache_beam", "streamlit", "pandas", "deltalake", "analyzers")
    program = (
        "import sys; from meshlens.__main__ import build; build(['diagnose']);"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("form", ["table", "json", "sarif"])
def test_exit_codes_are_the_same_for_every_format(lake: str, form: str) -> None:
    run = ("diagnose", "--lake", lake, "-o", form)
    assert meshlens(*run).returncode == 1
    # explained_failures has no access logs here.
    assert meshlens(*run, "--fail-on", "never", "--strict").returncode == 4


def test_clean_usage_and_input_errors_have_their_codes(lake: str) -> None:
    assert meshlens("diagnose", "--lake", lake, "-n", "bank").returncode == 0
    assert meshlens("diagnose", "--lake", lake, "--since", "yesterday").returncode == 2
    absent = meshlens("diagnose", "--lake", f"{lake}-absent")
    assert absent.returncode == 3
    assert absent.stdout == ""


def test_findings_come_before_skips_and_suppressed_ones_do_not_count() -> None:
    warning = Finding("a", "ML0101", "warning", "s", "m", "f")
    skipped = (Skipped("b", ("spans",), ""),)
    report = Report((warning, replace(warning, severity="error", suppressed_by="file")), skipped)
    assert exit_code(report, "error", strict=False) == 0
    assert exit_code(report, "error", strict=True) == 4
    assert exit_code(report, "warning", strict=True) == 1
    assert exit_code(report, "info", strict=False) == 1
    assert exit_code(report, "never", strict=False) == 0
    assert exit_code(Report(skipped=(replace(skipped[0], partial=True),)), "info", strict=True) == 0


def test_stdout_is_the_result_and_json_holds_all_of_it(lake: str) -> None:
    result = meshlens("diagnose", "--lake", lake, "-o", "json")
    document = json.loads(result.stdout)
    assert [finding["code"] for finding in document["findings"]] == ["ML0101"]
    skipped = {skip["analyzer"] for skip in document["skipped"] if not skip["partial"]}
    assert {"explained_failures", "hidden_retries"} <= skipped
    assert document["counts"]["error"] == 1
    with open_session(lake) as session:
        assert document["run_id"] in session.query("findings").column("run_id").to_pylist()


def test_a_suppression_file_decides_the_exit_code_and_is_shown(lake: str, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.yaml"
    quiet.write_text("- {code: ML0101, subject: 'VirtualService/shop/*', reason: moving soon}\n")
    result = meshlens("diagnose", "--lake", lake, "--suppressions", str(quiet))
    assert result.returncode == 0
    assert "moving soon" in result.stdout
    quiet.write_text("- {code: ML0101}\n")
    broken = meshlens("diagnose", "--lake", lake, "--suppressions", str(quiet))
    assert broken.returncode == 3
    assert "reason" in broken.stderr
    assert broken.stdout == ""


def test_paths_are_read_without_a_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [json.loads(str(row.values["object_json"])) for row in objects()]
    (tmp_path / "objects.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))
    kept = tmp_path / "lake"
    monkeypatch.setenv("MESHLENS_LAKE", str(kept))
    result = meshlens("diagnose", str(tmp_path / "objects.json"), "-o", "json")
    assert result.returncode == 1, result.stderr
    document = json.loads(result.stdout)
    assert [finding["object"] for finding in document["findings"]] == ["VirtualService/shop/cart"]
    assert document["run_id"] is None
    assert not kept.exists()
    assert document["notes"][0] == "read 2 records: 2 accepted, 0 rejected"
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    unreadable = meshlens("diagnose", str(tmp_path / "picture.png"))
    assert unreadable.returncode == 3
    assert "picture.png" in unreadable.stderr
    absent = meshlens("diagnose", str(tmp_path / "absent.yaml"))
    assert absent.returncode == 3
    assert "absent.yaml" in absent.stderr


def test_list_names_every_analyzer_and_explain_knows_every_code() -> None:
    listed = json.loads(meshlens("list", "-o", "json").stdout)["analyzers"]
    names = [analyzer["name"] for analyzer in listed]
    assert {"dangling_host", "explained_failures"} <= set(names)
    table = meshlens("list").stdout
    assert [name for name in names if name not in table] == []
    explained = meshlens("explain", "ml0241")
    assert explained.returncode == 0
    assert "STRICT" in explained.stdout
    unknown = meshlens("explain", "ML9")
    assert unknown.returncode == 2
    assert "nearest" in unknown.stderr
    assert unknown.stdout == ""
