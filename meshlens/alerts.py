"""`meshlens alerts`: edges that left their own recent past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption, NamespaceOption, SinceOption, UntilOption, period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzers.alerts.alert import Alert


def alerts(
    lake: LakeOption = DEFAULT_LAKE,
    namespace: NamespaceOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    minimum_samples: Annotated[
        int, typer.Option("--min-samples", min=1, help="Calls that a window and its baseline need at least.")
    ] = 20,
    fail_on: Annotated[
        Literal["error", "warning", "info", "never"],
        typer.Option("--fail-on", help="Exit with 1 from this severity on."),
    ] = "never",
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="How to print it.")] = "table",
) -> None:
    """Error-rate and latency shifts of every edge against its own recent past. The result is kept in the lake."""
    from analyzers.alerts.record import alert_lake
    from analyzers.framework.analyzer import Options
    from analyzers.framework.finding import at_least
    from meshlens.exits import FINDINGS, fail
    from pipelines.lake.errors import LakeError

    start, end = period(since, until)
    options = Options(tuple(namespace or ()), start, end, minimum_samples=minimum_samples)
    try:
        found = alert_lake(lake, options)
    except LakeError as error:
        fail(str(error))
    if output == "json":
        _print_json(found)
    else:
        _print_table(found)
    if fail_on != "never" and any(at_least(alert.severity, fail_on) for alert in found):
        raise typer.Exit(FINDINGS)


def _print_json(found: Sequence[Alert]) -> None:
    import json
    from dataclasses import asdict

    from analyzers.framework.export.json import json_value

    print(json.dumps({"alerts": [asdict(alert) for alert in found]}, indent=2, default=json_value))


def _print_table(found: Sequence[Alert]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from meshlens.terminal import console

    if not found:
        console().print("No edge left its recent past.")
        return
    table = Table(title="Alerts", title_justify="left")
    for column in ("from", "to", "severity", "code", "edge", "what"):
        table.add_column(column, overflow="fold")
    for alert in found:
        table.add_row(
            f"{alert.window_start:%Y-%m-%d %H:%M}",
            f"{alert.window_end:%H:%M}",
            alert.severity,
            alert.code,
            escape(f"{alert.caller} -> {alert.callee}"),
            escape(alert.message),
        )
    console().print(table)
