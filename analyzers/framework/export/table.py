"""A report for people: one block a finding, then what was suppressed and skipped."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

if TYPE_CHECKING:
    from datetime import datetime

    from analyzers.framework.analyzer import Report
    from analyzers.framework.finding import Finding

#: Control characters as people write them: a name from a log must not drive the reader's terminal.
_VISIBLE: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}

_COLOURS: Final = {"error": "bold red", "warning": "yellow", "info": "cyan"}


def render_table(report: Report, *, width: int = 120, colour: bool = False) -> str:
    """The report as text `width` columns wide; with terminal escapes only where `colour` is set."""
    output = io.StringIO()
    console = Console(
        file=output, width=width, force_terminal=colour, no_color=not colour, highlight=False, emoji=False
    )
    for finding in report.active:
        console.print(_head(finding))
        console.print(Padding(_body(finding), (0, 0, 1, 2)))
    for title, lines in _remarks(report).items():
        if lines:
            console.print(Text(title, style="bold"))
            for line in lines:
                console.print(Text(f"  {line.translate(_VISIBLE)}"))
    console.print(Text(_summary(report)))
    return output.getvalue().rstrip("\n")


def _remarks(report: Report) -> dict[str, list[str]]:
    """Title -> lines: what was suppressed, skipped, or worth a note."""
    silenced = [f"{item.code} {item.subject}: {item.suppressed_by}" for item in report.findings if item.suppressed_by]
    skipped = [
        (skip.partial, f"{skip.analyzer}: {'no' if skip.partial else 'needs'} {', '.join(skip.missing)}. {skip.reason}")
        for skip in report.skipped
    ]
    return {
        "Suppressed": silenced,
        "Skipped": [line.rstrip() for partial, line in skipped if not partial],
        "Ran with less": [line.rstrip() for partial, line in skipped if partial],
        "Notes": list(report.notes),
    }


def _head(finding: Finding) -> Text:
    head = Text(finding.severity, style=_COLOURS[finding.severity])
    head.append(f" {finding.code} ", style="bold")
    return head.append(finding.subject.translate(_VISIBLE)).append(_when(finding.first_seen, finding.last_seen))


def _body(finding: Finding) -> Text:
    """Everything that came from the mesh is plain text here: rich markup in a name must not be read as markup."""
    body = Text(finding.message.translate(_VISIBLE))
    place = " ".join(part for part in (finding.object, finding.path) if part)
    for label, value in (("cause", finding.cause), ("side", finding.side), ("at", place), ("next", finding.next_step)):
        if value:
            body.append(f"\n{label}: ", style="dim").append(value.translate(_VISIBLE))
    return body


def _when(first: datetime | None, last: datetime | None) -> str:
    if first is None:
        return ""
    start = f"  {first:%Y-%m-%d %H:%M:%S}"
    if last is None:
        return f"{start} UTC"
    return f"{start} to {last:{'%H:%M:%S' if last.date() == first.date() else '%Y-%m-%d %H:%M:%S'}} UTC"


def _summary(report: Report) -> str:
    counts = report.counts()
    told = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "no findings"
    whole = sum(not skip.partial for skip in report.skipped)
    return f"{told}; {len(report.ran)} analyzers ran, {whole} skipped"
