"""`meshlens maintain`: keep a lake small and fast."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption, duration


def maintain(
    lake: LakeOption = DEFAULT_LAKE,
    retention: Annotated[
        str, typer.Option("--retention", help="How long files that were replaced are kept for open readers.")
    ] = "7d",
    orphan_grace: Annotated[
        str, typer.Option("--orphan-grace", help="How long files are kept that no version of a table refers to.")
    ] = "1d",
    target_mb: Annotated[int, typer.Option("--target-mb", min=1, help="The size small files are joined to.")] = 128,
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="table or json.")] = "table",
) -> None:
    """Join small files, delete files that nothing refers to, shorten logs, finish what dead processes left.

    Readers and writers may go on meanwhile.
    """
    import json
    from dataclasses import asdict

    from meshlens.exits import fail
    from pipelines.lake.errors import LakeError
    from pipelines.lake.maintenance import maintain as run

    kept, grace = duration(retention), duration(orphan_grace)
    try:
        done = run(lake, target_bytes=target_mb * 1024 * 1024, retention=kept, orphan_grace=grace)
    except LakeError as error:
        fail(str(error))
    if output == "json":
        print(json.dumps(asdict(done)))
        return
    print(f"{'table':<18}{'joined':>8}{'into':>6}{'replaced deleted':>18}{'orphans deleted':>17}{'bytes deleted':>15}")
    for table in done.tables:
        print(
            f"{table.table:<18}{table.files_joined:>8}{table.files_written:>6}{table.replaced_deleted:>18}"
            f"{table.orphans_deleted:>17}{table.bytes_deleted:>15}"
        )
    print(f"batches of dead processes: {len(done.finished)} finished, {len(done.discarded)} discarded")
