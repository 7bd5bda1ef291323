"""A report for people: one block a finding, then what was suppressed and skipped."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
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
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, no_color=not colour, highlight=False, emoji=False
    )
    if report.active:
        console.print(_table(report.active))
    for title, lines in (
        (
            "Suppressed",
            [f"{item.code} {item.subject}: {item.suppressed_by}" for item in report.findings if item.suppressed_by],
        ),
        (
            "Skipped",
            [
                f"{skip.analyzer}: needs {', '.join(skip.missing)}. {skip.reason}".rstrip()
                for skip in report.skipped
                if not skip.partial
            ],
        ),
        (
            "Ran with less",
            [
                f"{skip.analyzer}: no {', '.join(skip.missing)}. {skip.reason}".rstrip()
                for skip in report.skipped
                if skip.partial
            ],
        ),
        ("Notes", list(report.notes)),
    ):
        if lines:
            console.print(Text(title, style="bold"))
            for line in lines:
                console.print(Text(f"  {line.translate(_VISIBLE)}"))
    console.print(Text(_summary(report)))
    output = console.file
    assert isinstance(output, io.StringIO)  # noqa: S101 - tells the type checker what was passed above
    return output.getvalue().rstrip("\n")


def _table(findings: tuple[Finding, ...]) -> Table:
    table = Table(show_lines=True, expand=True, box=None, padding=(0, 1))
    table.add_column("Severity", no_wrap=True)
    table.add_column("Code", no_wrap=True)
    table.add_column("When (UTC)", no_wrap=True)
    table.add_column("Finding", ratio=1, overflow="fold")
    for finding in findings:
        table.add_row(
            Text(finding.severity, style=_COLOURS[finding.severity]),
            Text(finding.code),
            Text(_when(finding.first_seen, finding.last_seen)),
            _body(finding),
        )
    return table


def _body(finding: Finding) -> Text:
    """Everything that came from the mesh is plain text here: rich markup in a name must not be read as markup."""
    body = Text(finding.message.translate(_VISIBLE))
    place = " ".join(part for part in (finding.object, finding.path) if part)
    for label, value in (("cause", finding.cause), ("side", finding.side), ("at", place), ("next", finding.next_step)):
        if value:
            body.append(f"\n{label:>5}: ", style="dim").append(value.translate(_VISIBLE))
    return body


def _when(first: datetime | None, last: datetime | None) -> str:
    if first is None:
        return ""
    start = f"{first:%Y-%m-%d %H:%M:%S}"
    return start if last is None else f"{start}\nto {last:%m-%d %H:%M:%S}"


def _summary(report: Report) -> str:
    counts = report.counts()
    told = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "no findings"
    whole = sum(not skip.partial for skip in report.skipped)
    return f"{told}; {len(report.ran)} analyzers ran, {whole} skipped"
