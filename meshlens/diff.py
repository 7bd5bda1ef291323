"""`meshlens diff`: what changed from one revision of the exported manifests to another."""

from __future__ import annotations

from typing import Annotated

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption


def diff(
    old: Annotated[int, typer.Argument(metavar="A", help="A revision; `meshlens revisions` lists them.")],
    new: Annotated[int, typer.Argument(metavar="B", help="Another one.")],
    *,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """A unified difference of two revisions, as `git apply` and `patch -p1` read it."""
    from analyzers.scoping.revisions import RevisionError, difference, files_of
    from meshlens.exits import fail
    from pipelines.lake.errors import LakeError
    from pipelines.lake.session import open_session

    try:
        with open_session(lake) as session:
            print(difference(files_of(session, old), files_of(session, new)), end="")
    except (LakeError, RevisionError) as error:
        fail(str(error))
