"""`meshlens health`: how every namespace, service, workload and edge is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption, NamespaceOption, SinceOption, UntilOption, duration, period

if TYPE_CHECKING:
    from analyzers.health.health import Health


def health(
    lake: LakeOption = DEFAULT_LAKE,
    level: Annotated[
        Literal["namespace", "service", "workload", "edge"] | None, typer.Option("--level", help="Only this level.")
    ] = None,
    namespace: NamespaceOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    window: Annotated[
        str, typer.Option("--window", help="Judge this much of the newest traffic; the day before it is the baseline.")
    ] = "15m",
    minimum_samples: Annotated[int, typer.Option("--min-samples", min=1, help="Calls that a judgement takes.")] = 20,
    fail_on: Annotated[
        Literal["degraded", "failing"] | None,
        typer.Option("--fail-on", help="Exit with 1 where something is so, or worse."),
    ] = None,
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="How to print it.")] = "table",
) -> None:
    """How every namespace, service, workload and edge is doing, with the reasons."""
    start, end = period(since, until)
    recent = duration(window)

    from analyzers.framework.analyzer import Options
    from analyzers.health.health import health as health_of
    from analyzers.health.verdict import STATUSES
    from meshlens.exits import CLEAN, FINDINGS, fail
    from pipelines.lake.errors import LakeError
    from pipelines.lake.session import open_session

    options = Options(tuple(namespace or ()), start, end, minimum_samples=minimum_samples)
    try:
        with open_session(lake) as session:
            found = health_of(session, options, recent)
    except LakeError as error:
        fail(str(error))
    shown = [item for item in found if level in {None, item.level}]
    if output == "json":
        _print_json(shown)
    else:
        _print_table(shown)
    is_worse = fail_on is not None and any(item.status in STATUSES[STATUSES.index(fail_on) :] for item in shown)
    raise SystemExit(FINDINGS if is_worse else CLEAN)


def _print_json(found: list[Health]) -> None:
    import json
    from dataclasses import asdict

    from analyzers.framework.export.json import json_value

    print(json.dumps([asdict(item) for item in found], indent=2, default=json_value))


def _print_table(found: list[Health]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from meshlens.terminal import console

    table = Table()
    for column in ("level", "status", "name"):
        table.add_column(column, overflow="fold")
    for column in ("calls", "failed", "retried", "p95 ms"):
        table.add_column(column, justify="right")
    table.add_column("why", overflow="fold")
    for item in found:
        name = item.name if item.namespace is None or "." in item.name else f"{item.namespace}/{item.name}"
        table.add_row(
            item.level,
            item.status,
            escape(name if item.caller is None else f"{item.caller} -> {name}"),
            str(item.calls),
            str(item.failures),
            str(item.retried),
            "-" if item.p95_ms is None else f"{item.p95_ms:.0f}",
            escape("; ".join(reason.text for reason in item.reasons)),
        )
    console().print(table)
