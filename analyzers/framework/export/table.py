"""A report for people: one block a finding, then what was suppressed and skipped."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from analyzers.framework.export.texts import (
    folded_text,
    is_folded,
    place_text,
    remarks,
    summary,
    touched_text,
    visible,
)

if TYPE_CHECKING:
    from datetime import datetime

    from analyzers.framework.analyzer import Report
    from analyzers.framework.finding import Finding

_COLOURS: Final = {"error": "bold red", "warning": "yellow", "info": "cyan"}


def render_table(report: Report, *, width: int = 120, colour: bool = False) -> str:
    """The report as text `width` columns wide; with terminal escapes only where `colour` is set."""
    output = io.StringIO()
    console = Console(
        file=output, width=width, force_terminal=colour, no_color=not colour, highlight=False, emoji=False
    )
    for finding in report.active:
        if not is_folded(finding):
            console.print(_head(finding))
            console.print(Padding(_body(finding), (0, 0, 1, 2)))
    if folded := folded_text(report):
        console.print(Text(folded))
    for title, lines in remarks(report).items():
        if lines:
            console.print(Text(title, style="bold"))
            for line in lines:
                console.print(Text(f"  {visible(line)}"))
    console.print(Text(summary(report)))
    return output.getvalue().rstrip("\n")


def _head(finding: Finding) -> Text:
    head = Text(finding.severity, style=_COLOURS[finding.severity])
    head.append(f" {finding.code} ", style="bold")
    return head.append(visible(finding.subject)).append(_when(finding.first_seen, finding.last_seen))


def _body(finding: Finding) -> Text:
    """Everything that came from the mesh is plain text here: rich markup in a name must not be read as markup."""
    body = Text(visible(finding.message))
    told = (
        ("cause", finding.cause),
        ("side", finding.side),
        ("at", " ".join(part for part in (finding.object, finding.path) if part)),
        ("in", place_text(finding.place)),
        ("touches", touched_text(finding)),
        ("next", finding.next_step),
    )
    for label, value in told:
        if value:
            body.append(f"\n{label}: ", style="dim").append(visible(value))
    return body


def _when(first: datetime | None, last: datetime | None) -> str:
    if first is None:
        return ""
    start = f"  {first:%Y-%m-%d %H:%M:%S}"
    if last is None:
        return f"{start} UTC"
    return f"{start} to {last:{'%H:%M:%S' if last.date() == first.date() else '%Y-%m-%d %H:%M:%S'}} UTC"
