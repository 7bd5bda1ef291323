"""`meshlens rollback`: an earlier revision of the exported manifests, byte for byte."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import Annotated

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption


def rollback(
    revision: Annotated[int, typer.Argument(metavar="REV", help="A revision; `meshlens revisions` lists them.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder to bring back to that state.")],
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Make a folder hold the manifests of an earlier revision again. Nothing is applied; a rollback is a revision, too.

    Files that Meshlens did not write are never touched.
    """
    import sys

    from analyzers.scoping.export import ExportError, exported_files, restore
    from analyzers.scoping.revisions import RevisionError, files_of, record
    from meshlens.actor import actor
    from meshlens.exits import fail
    from pipelines.lake.errors import LakeError
    from pipelines.lake.session import open_session

    try:
        with open_session(lake) as session:
            files = files_of(session, revision)
        done = restore(files, out)
        kept = record(lake, exported_files(out), folder=str(out.resolve()), actor=actor(), kind="rollback")
    except (LakeError, RevisionError, ExportError) as error:
        fail(str(error))
    for path in done.written:
        print(path)
    told = f"{len(done.written)} files written, {len(done.unchanged)} unchanged, {len(done.removed)} removed"
    print(f"{out}: {told}; revision {kept} is revision {revision} again", file=sys.stderr)
