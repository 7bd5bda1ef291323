"""Revisions of exported manifests: who wrote what when, the difference between any two, and the way back.

Each export or rollback keeps, in the lake's table `revisions`, every file of ours that its folder held afterwards. The
table is only ever added to: it is the audit of what Meshlens wrote.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa

from pipelines.lake.lake import Lake
from pipelines.schemas import REVISIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.lake.session import Session

#: Why a revision was made.
Kind = Literal["export", "rollback"]

#: Lines of unchanged text around a difference.
_CONTEXT: Final = 3


class RevisionError(LookupError):
    """There is no such revision; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One export: when (UTC), by whom, into which folder, and its files against those of the revision before it."""

    revision: int
    produced_at: datetime
    kind: Kind
    actor: str
    folder: str
    files: int
    added: int
    changed: int
    removed: int


def record(lake_uri: str, files: Mapping[str, str], *, folder: str, actor: str, kind: Kind = "export") -> int:
    """Keep the files (path in the folder -> text) as a new revision and return its number, counted from 1.

    The revision before it is the newest of the same folder.

    Raises:
        LakeError: the lake cannot be read or written.
    """
    from pipelines.lake.session import open_session

    lake = Lake.open(lake_uri)
    with lake.exclusive():
        with open_session(lake_uri) as session:
            known = revisions(session)
            before = next((item.revision for item in known if item.folder == folder), None)
            earlier = {} if before is None else files_of(session, before)
        number = max((item.revision for item in known), default=0) + 1
        lake.append(kind, {REVISIONS.name: _rows(number, files, earlier, folder, actor, kind)}, {"folder": folder})
    return number


def revisions(session: Session) -> tuple[Revision, ...]:
    """Every revision, the newest first."""
    return tuple(Revision(**row) for row in session.query("revision_list").to_pylist())


def files_of(session: Session, number: int) -> dict[str, str]:
    """Path -> text of every file of a revision.

    Raises:
        RevisionError: there is no such revision.
    """
    known = [item.revision for item in revisions(session)]
    if number not in known:
        there = f"there are 1 to {known[0]}" if known else "there is none: `meshlens recommend --out DIR` makes one"
        raise RevisionError(f"there is no revision {number}; {there}")
    return {row["path"]: row["content"] for row in session.query("revision_files", revision=number).to_pylist()}


def difference(old: Mapping[str, str], new: Mapping[str, str], old_name: str = "a", new_name: str = "b") -> str:
    """A unified difference of two sets of files, as `git diff` and `patch` read it; empty where they are alike."""
    lines: list[str] = []
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        lines += difflib.unified_diff(
            (before or "").splitlines(keepends=True),
            (after or "").splitlines(keepends=True),
            "/dev/null" if before is None else f"{old_name}/{path}",
            "/dev/null" if after is None else f"{new_name}/{path}",
            n=_CONTEXT,
        )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _rows(
    number: int, files: Mapping[str, str], earlier: Mapping[str, str], folder: str, actor: str, kind: Kind
) -> pa.Table:
    now = datetime.now(UTC)
    rows = [
        {
            "revision": number,
            "produced_at": now,
            "kind": kind,
            "actor": actor,
            "folder": folder,
            "path": path,
            "change": _change(earlier.get(path), files.get(path)),
            "content": files.get(path),
        }
        for path in sorted({*files, *earlier})
    ]
    schema = REVISIONS.schema
    return pa.Table.from_pylist(rows, schema=schema.remove(schema.get_field_index("run_id")))


def _change(before: str | None, after: str | None) -> str:
    if after is None:
        return "removed"
    if before is None:
        return "added"
    return "unchanged" if before == after else "changed"
