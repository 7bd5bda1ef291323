"""Files found, in order, and what is skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.inputs.discover import discover
from pipelines.inputs.errors import InputError


def made(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_a_folder_is_walked_in_sorted_order(tmp_path: Path) -> None:
    made(tmp_path, "b/2.log", "b/1.log", "a.log", "c/d/e.log")
    found = discover([str(tmp_path)])
    assert [os.path.relpath(file.path, tmp_path) for file in found.files] == [
        "a.log",
        "b/1.log",
        "b/2.log",
        "c/d/e.log",
    ]
    assert found.skipped == []


def test_what_is_skipped_is_said(tmp_path: Path) -> None:
    made(tmp_path, "in/.hidden.log", "in/.git/config", "in/a.log", "lake/b.log", "elsewhere/c.log")
    (tmp_path / "in" / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "z.log").symlink_to(tmp_path / "in" / "a.log")
    (tmp_path / "in" / "lake").symlink_to(tmp_path / "lake")
    os.mkfifo(tmp_path / "in" / "pipe")
    found = discover([str(tmp_path / "in")], excluded=[str(tmp_path / "lake")])
    assert [Path(file.path).name for file in found.files] == ["a.log"]
    reasons = {Path(skip.path).name: skip.reason for skip in found.skipped}
    assert set(reasons) == {".hidden.log", ".git", "dangling", "folder", "z.log", "lake", "pipe"}
    assert reasons["z.log"] == f"the same file as {tmp_path}/in/a.log"
    assert reasons["lake"] == "the lake itself"
    assert "regular" in reasons["pipe"]


def test_names_the_user_gives_may_be_hidden_or_links(tmp_path: Path) -> None:
    made(tmp_path, ".hidden/a.log", "b.log")
    (tmp_path / "link").symlink_to(tmp_path / ".hidden")
    assert len(discover([str(tmp_path / "link")]).files) == 1
    assert len(discover([str(tmp_path / ".hidden")]).files) == 1


def test_patterns(tmp_path: Path) -> None:
    made(tmp_path, "a/1.log", "b/1.log", "b/2.txt", "odd[1].log")
    assert len(discover([f"{tmp_path}/*/*.log"]).files) == 2
    assert len(discover([f"{tmp_path}/**/*.log"]).files) == 3
    assert len(discover([f"{tmp_path}/odd[1].log"]).files) == 1
    with pytest.raises(InputError, match="matches this pattern"):
        discover([f"{tmp_path}/*.gz"])
    assert discover([f"{tmp_path}/*.gz"], must_exist=False).files == []


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        discover([str(tmp_path / "nothing")])


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "a.log")
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in discover(["a.log", "./a.log", str(tmp_path / "a.log")]).files] == [
        str(tmp_path / "a.log")
    ]


def test_a_name_that_is_no_text_is_skipped(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.log")).write_text("x")
    found = discover([str(tmp_path)])
    assert found.files == []
    assert [skip.reason for skip in found.skipped] == ["its name is not UTF-8; rename it"]
    assert found.skipped[0].path.encode().endswith(b"caf\\udce9.log")
