"""Exports leave revisions, and any of them can be written again byte for byte."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from analyzers.scoping.export import ExportError, export, exported_files, restore
from analyzers.scoping.revisions import RevisionError, difference, files_of, record, revisions
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.analyzers.scoping.test_export import contents, recommendation

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lake(tmp_path: Path) -> str:
    uri = str(tmp_path / "lake")
    Lake.open(uri, create=True)
    return uri


def exported(lake: str, folder: Path, *names: str, host: str = "shop/a.shop") -> int:
    export([recommendation(name, host=host) for name in names], folder, prune=True)
    return record(lake, exported_files(folder), folder=str(folder), actor="ops@host")


def test_revisions_say_who_wrote_what(lake: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    numbers = [exported(lake, folder, "a", "b"), exported(lake, folder, "a", "c"), exported(lake, tmp_path / "x", "a")]
    assert numbers == [1, 2, 3]
    with open_session(lake) as session:
        found = revisions(session)
    assert [(item.revision, item.files, item.added, item.changed, item.removed) for item in found] == [
        (3, 2, 2, 0, 0),
        (2, 3, 1, 1, 1),
        (1, 3, 3, 0, 0),
    ]
    assert {(item.kind, item.actor) for item in found} == {("export", "ops@host")}


def test_an_earlier_state_comes_back_byte_for_byte(lake: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    exported(lake, folder, "a", "b")
    (folder / "shop" / "mine.yaml").write_text("kind: Sidecar\n")
    before = contents(folder)
    exported(lake, folder, "a", "c", host="shop/other.shop")
    assert contents(folder) != before
    with open_session(lake) as session:
        done = restore(files_of(session, 1), folder)
    assert contents(folder) == before
    assert done.removed == ["shop/c.yaml"]
    assert record(lake, exported_files(folder), folder=str(folder), actor="ops@host", kind="rollback") == 3


def test_a_difference_is_a_patch(lake: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    exported(lake, folder, "a", "b")
    exported(lake, folder, "a", "c", host="shop/other.shop")
    with open_session(lake) as session:
        old, new = files_of(session, 1), files_of(session, 2)
    restore(old, tmp_path / "again")
    patch = difference(old, new)
    subprocess.run(["git", "apply", "-"], input=patch.encode(), cwd=tmp_path / "again", check=True)
    assert contents(tmp_path / "again") == {path: text.encode() for path, text in new.items()}
    assert difference(new, new) == ""


def test_what_is_not_there_or_not_ours_is_an_error(lake: str, tmp_path: Path) -> None:
    with open_session(lake) as session, pytest.raises(RevisionError, match="meshlens recommend --out"):
        files_of(session, 1)
    exported(lake, tmp_path / "out", "a")
    with open_session(lake) as session:
        with pytest.raises(RevisionError, match="there are 1 to 1"):
            files_of(session, 7)
        files = files_of(session, 1)
    (tmp_path / "other" / "shop").mkdir(parents=True)
    (tmp_path / "other" / "shop" / "a.yaml").write_text("kind: Sidecar\n")
    with pytest.raises(ExportError, match="not written by meshlens"):
        restore(files, tmp_path / "other")
    with pytest.raises(ExportError, match="no path of a manifest"):
        restore({"../evil.yaml": "# meshlens Sidecar EMIT x\n"}, tmp_path / "other")
