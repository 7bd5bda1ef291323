"""What `meshlens ingest` shows: progress on stderr (a bar on a terminal, else JSON lines), the summary on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table

    from pipelines.inputs.found import Skipped
    from pipelines.jobs.progress import JobProgress
    from pipelines.jobs.report import IngestReport

#: Seconds between JSON lines.
_LOG_SECONDS: Final = 2.0
_NAMED: Final = 3


@contextlib.contextmanager
def progress_display() -> Iterator[Callable[[JobProgress], None]]:
    """Something to tell of progress while the block runs."""
    if sys.stderr.isatty():
        with _bar() as tell:
            yield tell
    else:
        yield _log()


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[JobProgress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("ingest"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rejects]:,} rejects"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("ingest", total=None, rows=0, rejects=0)

        def tell(now: JobProgress) -> None:
            done = min(now.bytes, now.total_bytes)
            progress.update(task, completed=done, total=now.total_bytes, rows=now.read, rejects=now.rejected)

        yield tell


def _log() -> Callable[[JobProgress], None]:
    log = json_logger()
    last = time.monotonic()

    def tell(now: JobProgress) -> None:
        nonlocal last
        if time.monotonic() - last < _LOG_SECONDS:
            return
        last = time.monotonic()
        remaining = now.remaining_seconds
        log(
            "progress",
            bytes=now.bytes,
            total_bytes=now.total_bytes,
            rows=now.read,
            rejects=now.rejected,
            seconds=round(now.seconds, 1),
            eta_seconds=None if remaining is None else round(remaining, 1),
        )

    return tell


def json_logger() -> Callable[..., None]:
    """Something that writes an event and its fields as one JSON line on stderr."""
    import structlog

    logger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.JSONRenderer()],
    )

    def log(event: str, **fields: object) -> None:
        logger.info(event, **fields)

    return log


def print_json(report: IngestReport) -> None:
    """Print the report as JSON."""
    print(json.dumps(report.to_json(), indent=2))


#: Pairs of sources named one by one.
_TOLD: Final = 5


def print_table(report: IngestReport) -> None:
    """Print the report as a table and remarks."""
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    if report.files:
        console.print(_counts(report))
    else:
        console.print("Nothing new.")
    for remark in _remarks(report):
        console.print(escape(remark), soft_wrap=True)
    for warning in report.warnings:
        console.print(f"Warning: {escape(warning)}", style="yellow", soft_wrap=True)


def _counts(report: IngestReport) -> Table:
    from rich.table import Table

    table = Table(title=f"Ingested (run {report.run_id})", title_justify="left")
    for column in ("format", "files", "read", "accepted", "rejected", "bytes"):
        table.add_column(column, justify="left" if column == "format" else "right")
    for total in report.by_format().values():
        counts = (total.read, total.accepted, total.rejected, total.bytes)
        table.add_row(total.format, total.source, *(f"{count:,}" for count in counts))
    return table


def _remarks(report: IngestReport) -> Iterator[str]:
    if report.rejected:
        yield f"{report.rejected:,} records were rejected; see them: meshlens sql -c 'from rejects'"
    if report.unchanged:
        yield f"{len(report.unchanged):,} files were read before and have nothing new."
    for file in report.unchanged:
        if file.same_as is not None:
            yield f"{file.path} holds what {file.same_as} holds; counted once."
    for overlap in report.overlaps[:_TOLD]:
        yield f"{overlap.records:,} records of {overlap.source} are in {overlap.kept_source}, too; each counts once."
    if len(report.overlaps) > _TOLD:
        rest = report.overlaps[_TOLD:]
        yield f"{sum(overlap.records for overlap in rest):,} more of {len(rest):,} pairs of sources; each counts once."
    for reason, skipped in _by_reason(report.skipped).items():
        yield f"Skipped, {reason}: {_names(skipped)}"
    for note in report.notes:
        yield f"Note: {note}"


def _by_reason(skipped: list[Skipped]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for skip in skipped:
        found[skip.reason].append(skip.path)
    return found


def _names(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMED} more (-o json lists them)" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more
