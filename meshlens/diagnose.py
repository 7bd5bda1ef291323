"""`meshlens diagnose`: what is wrong in the mesh, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it builds the command
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, ContextOption, LakeOption, NamespaceOption, SinceOption, UntilOption, period

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Report
    from analyzers.framework.baseline import Baseline
    from analyzers.framework.suppression import Suppression


def diagnose(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Files, folders or globs; - is standard input. With --lake beside them they count over its objects.",
        ),
    ] = None,
    lake: LakeOption = DEFAULT_LAKE,
    namespace: NamespaceOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT[=FILE]",
            help="table, wide, json, yaml, sarif, junit, markdown or openmetrics; more than once: each to its FILE.",
        ),
    ] = None,
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
    crds: Annotated[
        list[Path] | None,
        typer.Option(
            "--crds", metavar="PATH", help="CustomResourceDefinitions to check objects against, before the cluster's."
        ),
    ] = None,
    live: Annotated[  # noqa: FBT002 - a flag of the command line, given by name
        bool, typer.Option("--live", help="Read the objects of live clusters, as `meshlens collect` does.")
    ] = False,
    contexts: ContextOption = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="FILE", help="Known findings, which are silenced: only new ones count."),
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option("--write-baseline", metavar="FILE", help="Write what is found now as a baseline."),
    ] = None,
) -> None:
    """Findings with their evidence: faulty configuration, and failures explained by both proxies.

    With PATHs or --live nothing is kept; without, the result is added to the lake. Exits with 0 (clean), 1 (findings
    from --fail-on on), 2 (usage), 3 (input or runtime error), 4 (analyzers skipped under --strict).
    """
    from analyzers.framework.analyzer import Options
    from analyzers.framework.baseline import BaselineError, baseline_text, is_known
    from analyzers.framework.run import AnalyzerError, diagnose_lake
    from analyzers.framework.suppression import SuppressionFileError
    from meshlens.collect import reading_of
    from meshlens.diagnose_input import definitions_of, diagnose_paths, live_objects
    from meshlens.diagnose_output import outputs_of, write_file, write_outputs
    from meshlens.exits import fail
    from pipelines.inputs.errors import InputError
    from pipelines.lake.errors import LakeError

    start, end = period(since, until)
    outputs = outputs_of(output or ["table"])
    options = Options(tuple(namespace or ()), start, end, compat=compat)
    source = context.get_parameter_source("lake")
    beside = lake if source is not None and source.name == "COMMANDLINE" else None
    try:
        silences, known, notes = _silences(suppressions, baseline)
        definitions = None if crds is None else definitions_of(crds)
        if paths or live:
            held = live_objects(contexts or (), reading_of(None, secrets=False)) if live else {}
            report, contents = diagnose_paths(paths or (), beside, options, silences, definitions, held)
        else:
            report, contents = diagnose_lake(lake, options, silences, added=definitions), {}
    except (LakeError, AnalyzerError, InputError, SuppressionFileError, BaselineError) as error:
        fail(str(error))
    gone = None if known is None else known.note(report.findings)
    report = replace(report, notes=(*report.notes, *notes, *([gone] if gone else [])))
    write_outputs(report, outputs, contents, fail_on)
    if write_baseline is not None:
        known_now = [item for item in report.findings if item.suppressed_by is None or is_known(item)]
        write_file(write_baseline, baseline_text(known_now))
    raise typer.Exit(exit_code(report, fail_on, strict=strict))


def exit_code(report: Report, fail_on: Literal["error", "warning", "info", "never"], *, strict: bool) -> int:
    """The exit code of a report, the same for every output format. Findings come before skipped analyzers."""
    from meshlens.exits import CLEAN, FINDINGS, SKIPPED

    if fail_on != "never" and report.worst_at_least(fail_on):
        return FINDINGS
    if strict and any(not skip.partial for skip in report.skipped):
        return SKIPPED
    return CLEAN


def _silences(
    suppressions: Path | None, baseline: Path | None
) -> tuple[tuple[Suppression, ...], Baseline | None, tuple[str, ...]]:
    """What silences findings, the baseline among it, and notes on what no longer does."""
    from datetime import UTC, datetime

    from analyzers.framework.baseline import read_baseline
    from analyzers.framework.suppression import read_suppressions

    entries: tuple[Suppression, ...] = ()
    notes: tuple[str, ...] = ()
    if suppressions is not None:
        entries, notes = read_suppressions(suppressions, datetime.now(UTC).date())
    known = None if baseline is None else read_baseline(baseline)
    return (*entries, *(() if known is None else (known,))), known, notes
