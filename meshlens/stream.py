"""`meshlens stream`: the main job for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from meshlens.ingest import (
    ClusterOption,
    LogFormatOption,
    MapOption,
    PathsArgument,
    PodOption,
    QueryOption,
    RedactOption,
    input_options,
    log_options,
    split_beam_options,
)
from meshlens.options import DEFAULT_LAKE, LakeOption, duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.jobs.report import IngestReport

#: How far back a stream's analyses look; `meshlens diagnose` and `meshlens alerts` look at everything.
ANALYSED_HOURS = 1


def stream(
    paths: PathsArgument,
    lake: LakeOption = DEFAULT_LAKE,
    pod: PodOption = None,
    maps: MapOption = None,
    query: QueryOption = None,
    log_format: LogFormatOption = None,
    cluster: ClusterOption = None,
    redact: RedactOption = True,  # noqa: FBT002 - a flag
    interval: Annotated[str, typer.Option("--interval", help="Time between looks at the files.")] = "2s",
    analyze_every: Annotated[
        str, typer.Option("--analyze-every", help="Time between runs of the analyzers on closed minutes; 0s: never.")
    ] = "30s",
    drain: Annotated[bool, typer.Option("--drain", help="End once there is nothing new.")] = False,  # noqa: FBT002 - a flag
    runner: Annotated[str | None, typer.Option("--runner", help="Beam runner; its options follow `--`.")] = None,
) -> None:
    """Follow growing and rotating files into the lake, and run the analyzers on minutes that are over.

    Ends on Ctrl-C or SIGTERM after the batch at hand. Killed, it reads on from where the lake stands: nothing is lost
    and nothing doubled. Progress is JSON lines on stderr.
    """
    files, beam = split_beam_options(paths, runner)
    inputs = replace(input_options(pod, maps, query), **log_options(log_format, cluster, redact=redact))
    looks, analyses = duration(interval).total_seconds(), duration(analyze_every).total_seconds()

    from meshlens.exits import fail
    from meshlens.ingest_output import json_logger
    from meshlens.quiet import quiet_imports

    with quiet_imports():
        from pipelines.jobs.commit import AccountingError
        from pipelines.jobs.stream import StreamOptions, run_stream
        from pipelines.lake.errors import LakeError

    log = json_logger()
    analyze = _analysis(lake, analyses, log)

    def on_batch(report: IngestReport) -> None:
        log(
            "batch",
            run_id=report.run_id,
            read=report.read,
            accepted=report.accepted,
            rejected=report.rejected,
            bytes=report.bytes,
            seconds=round(report.seconds, 3),
            skipped=[f"{skip.path}: {skip.reason}" for skip in report.skipped],
            warnings=report.warnings,
        )

    options = StreamOptions(looks, inputs, beam, drain=drain, stop=_stop_signal())
    try:
        batches = run_stream(files, lake, options, on_batch, analyze)
    except (LakeError, AccountingError) as error:
        fail(str(error))
    log("stopped", batches=batches)


def _stop_signal() -> Callable[[], bool]:
    """Whether somebody asked the process to end."""
    import signal
    import threading

    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    return asked.is_set


def _analysis(lake: str, every_seconds: float, log: Callable[..., None]) -> Callable[[], None]:
    """Something to call often that runs the analyzers when it is time and a minute has closed since."""
    import time
    from datetime import UTC, datetime, timedelta

    last_run = time.monotonic()
    last_minute = datetime.min.replace(tzinfo=UTC)

    def analyze() -> None:
        nonlocal last_run, last_minute
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        if not every_seconds or time.monotonic() - last_run < every_seconds or minute <= last_minute:
            return
        from analyzers.alerts.record import alert_lake
        from analyzers.framework.analyzer import Options
        from analyzers.framework.run import AnalyzerError, diagnose_lake
        from pipelines.lake.errors import LakeError

        begun = time.monotonic()
        options = Options(since=minute - timedelta(hours=ANALYSED_HOURS), until=minute)
        try:
            report = diagnose_lake(lake, options)
            alerts = alert_lake(lake, options)
        except (AnalyzerError, LakeError) as error:
            # Reading on matters more; the next round tries again.
            log("analysis failed", reason=str(error))
        else:
            log("analysis", findings=report.counts(), alerts=len(alerts), seconds=round(time.monotonic() - begun, 3))
        last_run, last_minute = time.monotonic(), minute

    return analyze
