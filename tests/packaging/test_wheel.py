from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a user's pip would build it, unpacked outside the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "build", "--wheel", "--quiet", "--out-dir", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(unpacked: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=unpacked,
        env={"PYTHONPATH": str(unpacked), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_sql_file_is_in_the_wheel(unpacked: Path) -> None:
    shipped = {
        path.relative_to(unpacked / "pipelines" / "_sql") for path in (unpacked / "pipelines/_sql").rglob("*.sql")
    }
    assert shipped == {path.relative_to(ROOT / "sql") for path in (ROOT / "sql").rglob("*.sql")}


def test_the_installed_program_finds_its_sql_and_its_schemas(unpacked: Path) -> None:
    code = "from pipelines.sql_files import sql_root, all_views; print(sql_root()); print(len(all_views()))"
    result = run(unpacked, "-c", code)
    assert result.returncode == 0, result.stderr
    root, views = result.stdout.split()
    assert root == str(unpacked / "pipelines" / "_sql")
    assert int(views) > 10


def test_the_installed_program_lists_its_analyzers(unpacked: Path) -> None:
    result = run(unpacked, "-m", "meshlens", "list")
    assert result.returncode == 0, result.stderr
    assert "dangling_host" in result.stdout


def test_nothing_but_the_packages_is_shipped(unpacked: Path) -> None:
    top = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert top == {"pipelines", "analyzers", "dashboards", "meshlens"}
    data = {path.suffix for path in unpacked.rglob("*") if path.is_file() and ".dist-info" not in str(path)}
    assert data <= {".py", ".sql", ".json", ".css", ".js", ".toml", ".md", ".svg", ".pyc"}
