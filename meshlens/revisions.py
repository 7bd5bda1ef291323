"""`meshlens revisions`: what was exported when, by whom and where."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption


def revisions(
    *,
    lake: LakeOption = DEFAULT_LAKE,
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="How to print it.")] = "table",
) -> None:
    """Every export of manifests, the newest first: when, by whom, into which folder, and what changed."""
    import json
    from dataclasses import asdict

    from analyzers.framework.export.json import json_value
    from analyzers.scoping import revisions as kept
    from analyzers.scoping.names import printable
    from meshlens.exits import fail
    from pipelines.lake.errors import LakeError
    from pipelines.lake.session import open_session

    try:
        with open_session(lake) as session:
            found = kept.revisions(session)
    except LakeError as error:
        fail(str(error))
    if output == "json":
        print(json.dumps([asdict(item) for item in found], indent=2, default=json_value))
        return
    for item in found:
        changes = f"{item.files} files, {item.added} added, {item.changed} changed, {item.removed} removed"
        made = f"{item.revision:>4}  {item.produced_at:%Y-%m-%dT%H:%M:%SZ}  {item.kind:<8}  {changes}"
        print(printable(f"{made}  {item.actor}  {item.folder}"))
