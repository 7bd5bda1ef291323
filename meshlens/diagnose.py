"""`meshlens diagnose`: what is wrong in the mesh, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption, NamespaceOption, SinceOption, UntilOption, period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzers.framework.analyzer import Options, Report
    from analyzers.framework.suppression import Suppression

#: Files that could not be read and are named; the rest are counted.
_NOTED = 10


def diagnose(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...", help="Files, folders or globs to read into a lake of their own; without any, --lake."
        ),
    ] = None,
    lake: LakeOption = DEFAULT_LAKE,
    namespace: NamespaceOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    output: Annotated[
        Literal["table", "json", "sarif"], typer.Option("--output", "-o", help="How to print it.")
    ] = "table",
    fail_on: Annotated[
        Literal["error", "warning", "info", "never"],
        typer.Option("--fail-on", help="Exit with 1 from this severity on."),
    ] = "error",
    strict: Annotated[  # noqa: FBT002 - a flag of the command line, given by name
        bool, typer.Option("--strict", help="Exit with 4 where an analyzer was skipped for want of input.")
    ] = False,
    compat: Annotated[
        Literal["istio"] | None,
        typer.Option("--compat", help="Say what `istioctl analyze` says, its known faults included."),
    ] = None,
    suppressions: Annotated[
        Path | None,
        typer.Option(
            "--suppressions",
            metavar="FILE",
            help="YAML list of findings to silence: code, subject (glob), reason, expires (optional).",
        ),
    ] = None,
) -> None:
    """Findings with their evidence: dangling configuration, and failures explained by both proxies.

    With PATHs nothing is kept; without, the result is added to the lake. Exits with 0 (clean), 1 (findings from
    --fail-on on), 2 (usage), 3 (input or runtime error), 4 (analyzers skipped under --strict).
    """
    from datetime import UTC, datetime

    from analyzers.framework.analyzer import Options
    from analyzers.framework.export import EXPORTERS
    from analyzers.framework.export.table import render_table
    from analyzers.framework.run import AnalyzerError, diagnose_lake
    from analyzers.framework.suppression import FileEntry, SuppressionFileError, read_suppressions
    from meshlens.exits import fail
    from pipelines.inputs.errors import InputError
    from pipelines.lake.errors import LakeError

    start, end = period(since, until)
    entries: tuple[FileEntry, ...] = ()
    notes: tuple[str, ...] = ()
    try:
        if suppressions is not None:
            entries, notes = read_suppressions(suppressions, datetime.now(UTC).date())
        options = Options(tuple(namespace or ()), start, end, compat=compat)
        report = _diagnose_paths(paths, options, entries) if paths else diagnose_lake(lake, options, entries)
    except (LakeError, AnalyzerError, InputError, SuppressionFileError) as error:
        fail(str(error))
    report = replace(report, notes=(*report.notes, *notes))
    if output == "table":
        from rich.console import Console

        console = Console()
        width = max(console.width, 60) if console.is_terminal else 120
        print(render_table(report, width=width, colour=console.is_terminal and not console.no_color))
    else:
        print(EXPORTERS[output](report))
    raise typer.Exit(exit_code(report, fail_on, strict=strict))


def exit_code(report: Report, fail_on: Literal["error", "warning", "info", "never"], *, strict: bool) -> int:
    """The exit code of a report, the same for every output format. Findings come before skipped analyzers."""
    from meshlens.exits import CLEAN, FINDINGS, SKIPPED

    if fail_on != "never" and report.worst_at_least(fail_on):
        return FINDINGS
    if strict and any(not skip.partial for skip in report.skipped):
        return SKIPPED
    return CLEAN


def _diagnose_paths(paths: list[str], options: Options, suppressions: Sequence[Suppression]) -> Report:
    """Read the paths into a lake that is gone afterwards, and diagnose that."""
    from tempfile import TemporaryDirectory

    from analyzers.framework.run import diagnose_lake
    from meshlens.exits import fail
    from pipelines.jobs.commit import AccountingError
    from pipelines.jobs.ingest import run_ingest

    with TemporaryDirectory(prefix="meshlens-") as folder:
        lake = str(Path(folder, "lake"))
        try:
            read = run_ingest(paths, lake)
        except AccountingError as error:
            fail(str(error))
        unread = [f"not read: {skip.path}: {skip.reason}" for skip in read.skipped]
        if read.run_id is None:
            fail("\n".join([f"nothing to diagnose in {', '.join(paths)}", *unread[:_NOTED]]))
        report = diagnose_lake(lake, options, suppressions, kept=False)
    counted = f"read {read.read:,} records: {read.accepted:,} accepted, {read.rejected:,} rejected"
    copies = sum(overlap.records for overlap in read.overlaps)
    unread += [f"{copies:,} records came by two paths; each counts once"] if copies else []
    more = [f"{len(unread) - _NOTED} more were not read"] if len(unread) > _NOTED else []
    return replace(report, notes=(counted, *unread[:_NOTED], *more, *read.warnings, *read.notes))
