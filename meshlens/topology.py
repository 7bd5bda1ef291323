"""`meshlens topology`: who calls whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meshlens.options import DEFAULT_LAKE, LakeOption, NamespaceOption, SinceOption, UntilOption, period

if TYPE_CHECKING:
    from analyzers.topology.service_graph import ServiceGraph


def topology(
    lake: LakeOption = DEFAULT_LAKE,
    source: Annotated[
        Literal["logs", "traces", "metrics"] | None,
        typer.Option("--source", help="Draw the graph from this source; default: the most exact one there is."),
    ] = None,
    namespace: NamespaceOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="How to print it.")] = "table",
) -> None:
    """The service graph: calls, errors and latency of every edge, and where the sources disagree."""
    from analyzers.framework.analyzer import Options
    from analyzers.topology.service_graph import NoTelemetryError, service_graph
    from meshlens.exits import fail
    from pipelines.lake.errors import LakeError
    from pipelines.lake.session import open_session

    start, end = period(since, until)
    try:
        with open_session(lake) as session:
            graph = service_graph(session, source, Options(tuple(namespace or ()), start, end))
    except (LakeError, NoTelemetryError) as error:
        fail(str(error))
    if output == "json":
        _print_json(graph)
    else:
        _print_table(graph)


def _print_json(graph: ServiceGraph) -> None:
    import json
    from dataclasses import asdict

    from analyzers.framework.export.json import json_value

    document = asdict(graph)
    for edge, written in zip(graph.edges, document["edges"], strict=True):
        written["error_rate"] = edge.error_rate
    print(json.dumps(document, indent=2, default=json_value))


def _print_table(graph: ServiceGraph) -> None:
    from rich.markup import escape
    from rich.table import Table

    from meshlens.terminal import console

    table = Table(title=f"Service graph from {graph.source}", title_justify="left")
    for column in ("caller", "callee", "kind", "protocol"):
        table.add_column(column, overflow="fold")
    for column in ("calls", "errors", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(column, justify="right")
    for edge in graph.edges:
        table.add_row(
            escape(edge.caller),
            escape(edge.callee),
            edge.callee_kind,
            edge.protocol,
            str(edge.calls),
            str(edge.errors),
            *("-" if value is None else f"{value:.0f}" for value in (edge.p50_ms, edge.p95_ms, edge.p99_ms)),
        )
    out = console()
    out.print(table)
    for one in graph.disagreements:
        out.print(
            f"sources disagree: {escape(one.caller)} -> {escape(one.callee)} ({one.protocol}): "
            f"logs {one.logs}, traces {one.traces}, metrics {one.metrics}"
        )
