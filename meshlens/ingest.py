"""`meshlens ingest`: telemetry and configuration into the lake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption, SinceOption, UntilOption, duration, period

if TYPE_CHECKING:
    from pipelines.inputs.options import InputOptions
    from pipelines.sources.prometheus_live import Period


class LogOptions(TypedDict):
    """Those of `InputOptions` that concern logs."""

    layouts: tuple[str, ...]
    cluster: str | None
    redact: bool


PathsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...",
        help="Files, folders, globs, addresses (s3, gs, abfs, http), a Prometheus (http://host:9090), - for standard "
        "input. Beam's own options follow `--`.",
        show_default=False,
    ),
]
PodOption = Annotated[
    str | None,
    typer.Option("--pod", metavar="NS/POD", help="The pod that wrote all logs, where paths do not say so."),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="GLOB=NS/POD", help="The pod that wrote the logs a glob matches. Repeatable."),
]
QueryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--query",
        metavar="PROMQL",
        help="What to ask a live Prometheus, or (FILE.json=PROMQL) the query that gave a recorded answer. Repeatable.",
    ),
]
LogFormatOption = Annotated[
    list[str] | None,
    typer.Option(
        "--log-format",
        metavar="TEXT|@FILE",
        help="A layout of access logs beside Istio's: an Envoy format string, or JSON of them. Repeatable.",
    ),
]
ClusterOption = Annotated[
    str | None, typer.Option("--cluster", metavar="NAME", help="The cluster that everything comes from.")
]
RedactOption = Annotated[
    bool,
    typer.Option(
        "--redact/--no-redact",
        help="Replace credentials (authorization, cookies, tokens in paths and queries) before anything is stored.",
    ),
]


def ingest(
    paths: PathsArgument,
    lake: LakeOption = DEFAULT_LAKE,
    pod: PodOption = None,
    maps: MapOption = None,
    query: QueryOption = None,
    log_format: LogFormatOption = None,
    cluster: ClusterOption = None,
    redact: RedactOption = True,  # noqa: FBT002 - a flag
    since: SinceOption = None,
    until: UntilOption = None,
    step: Annotated[
        str,
        typer.Option("--step", help="Between samples asked of a live Prometheus; the hour before now is asked for."),
    ] = "15s",
    runner: Annotated[
        str | None, typer.Option("--runner", help="Beam runner; its options follow `--`: -- --flink_master=HOST:PORT")
    ] = None,
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="How to print it.")] = "table",
) -> None:
    """Read access logs, traces, metrics and mesh configuration into the lake; what was read before is not read again.

    Files are recognised by what they hold. Every record is either accepted or kept with its reason in `rejects`.
    Exits with 3 where nothing could be read, and then adds nothing.
    """
    files, beam = split_beam_options(paths, runner)
    inputs = replace(input_options(pod, maps, query), **log_options(log_format, cluster, redact=redact))
    asked = live_period(since, until, step)

    from meshlens.exits import fail
    from meshlens.ingest_output import print_json, print_table, progress_display
    from meshlens.quiet import quiet_imports

    with quiet_imports():
        from pipelines.inputs.errors import InputError
        from pipelines.jobs.commit import AccountingError
        from pipelines.jobs.ingest import IngestOptions, run_ingest
        from pipelines.jobs.runner import BeamOptionsError
        from pipelines.lake.errors import LakeError

    try:
        with progress_display() as tell:
            report = run_ingest(files, lake, IngestOptions(inputs, asked, beam, tell))
    except (InputError, AccountingError, LakeError) as error:
        fail(str(error))
    except BeamOptionsError as error:
        raise typer.BadParameter(str(error)) from error
    (print_json if output == "json" else print_table)(report)
    if not report.files and not report.unchanged:
        fail(
            f"nothing could be read, {len(report.skipped)} files were skipped for the reasons above. Give access logs, "
            "OTLP traces, Prometheus answers or Kubernetes objects"
        )


def split_beam_options(paths: list[str], runner: str | None) -> tuple[list[str], tuple[str, ...]]:
    """Inputs, and Beam's own options, which follow `--` and begin with `--` themselves."""
    first = next((index for index, path in enumerate(paths) if path.startswith("--")), len(paths))
    return paths[:first], (*((f"--runner={runner}",) if runner else ()), *paths[first:])


def input_options(pod: str | None, maps: list[str] | None, query: list[str] | None) -> InputOptions:
    """Options of inputs. Raises typer.BadParameter where one is not written as it should be."""
    from pipelines.inputs.options import InputOptions
    from pipelines.inputs.path_identity import pod_rules

    try:
        rules = pod_rules(pod, maps or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return InputOptions(rules=rules, queries=tuple(query or ()))


def log_options(log_format: list[str] | None, cluster: str | None, *, redact: bool) -> LogOptions:
    """Options of logs as `InputOptions` has them. Raises typer.BadParameter where a file cannot be read."""
    return {"layouts": tuple(map(_layout, log_format or ())), "cluster": cluster or None, "redact": redact}


def _layout(text: str) -> str:
    from pipelines.inputs.layouts import layout_problem

    layout = text
    if text.startswith("@"):
        try:
            layout = Path(text[1:]).read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"--log-format {text}: cannot be read: {error}") from error
    problem = layout_problem(layout)
    if problem:
        raise typer.BadParameter(f"--log-format {text}: {problem}")
    return layout


def live_period(since: str | None, until: str | None, step: str) -> Period:
    """What period a live Prometheus is asked for: by default the hour before now."""
    import time

    from pipelines.sources.prometheus_live import Period

    start, end = period(since, until)
    step_s = round(duration(step).total_seconds())
    if step_s < 1:
        raise typer.BadParameter(f"--step {step}: at least 1s")
    last = int(time.time() if end is None else end.timestamp())
    return Period(last - 3600 if start is None else int(start.timestamp()), last, step_s)
