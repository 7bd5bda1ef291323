"""A report as one line a finding, for a wide terminal, `grep` and `sort`: nothing is folded or cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.export.texts import advice_text, one_line, place_text, remarks, subject_text, summary
from analyzers.framework.registry import codes

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Report
    from analyzers.framework.finding import Finding

_HEAD: Final = ("SEVERITY", "CODE", "ALSO", "OBJECT", "IN", "MESSAGE")


def render_wide(report: Report) -> str:
    """Columns as wide as their widest cell; remarks and the summary follow."""
    known = codes()
    rows = [
        _HEAD,
        *(_row(finding, known[finding.code][1].aliases if finding.code in known else ()) for finding in report.active),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows] if len(rows) > 1 else []
    for title, told in remarks(report).items():
        lines += [title, *(f"  {one_line(line)}" for line in told)] if told else []
    return "\n".join([*lines, summary(report)])


def _row(finding: Finding, aliases: tuple[str, ...]) -> tuple[str, ...]:
    cells = (
        finding.severity,
        finding.code,
        ",".join(aliases) or "-",
        subject_text(finding),
        place_text(finding.place) or "-",
        advice_text(finding),
    )
    return tuple(one_line(cell) for cell in cells)
