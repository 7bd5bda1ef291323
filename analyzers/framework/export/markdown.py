"""A report as GitHub-flavoured Markdown, for comments on a change and for job summaries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzers.framework.export.texts import (
    advice_text,
    aliases_text,
    one_line,
    place_text,
    remarks,
    subject_text,
    summary,
)
from analyzers.framework.registry import codes

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Report
    from analyzers.framework.finding import Finding

#: GitHub takes comments of at most 65,536 characters; what is left out is counted.
MAX_CHARACTERS: Final = 60_000

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()#+!|~$])")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
#: An empty comment between characters keeps GitHub from making mentions, references and links of them.
_LINKS: Final = re.compile(r"(@|(?<=://)|(?<=www)(?=\.)|(?<=#)(?=\d))")


def render_markdown(report: Report) -> str:
    """A summary, a table with a row for each active finding, and what was skipped folded away."""
    known = codes()
    lines = [f"**{escaped(summary(report))}**", ""]
    if report.active:
        lines += ["| Severity | Code | Object | In | Message |", "| --- | --- | --- | --- | --- |"]
    size = sum(map(len, lines))
    for told, finding in enumerate(report.active):
        row = _row(finding, known[finding.code][1].aliases if finding.code in known else ())
        size += len(row) + 1
        if size > MAX_CHARACTERS:
            lines.append(f"\n{len(report.active) - told} more findings are left out here; other formats have them all.")
            break
        lines.append(row)
    for title, told_lines in remarks(report).items():
        lines += _folded(title, told_lines, MAX_CHARACTERS - size)
        size += sum(map(len, told_lines))
    return "\n".join(lines).rstrip()


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    plain = _SPECIAL.sub(r"\\\1", one_line(text).translate(_ENTITIES))
    return _LINKS.sub(lambda found: f"{found[0]}<!-- -->", plain)


def _row(finding: Finding, aliases: tuple[str, ...]) -> str:
    code = f"{finding.code}{aliases_text(aliases)}"
    cells = (finding.severity, code, subject_text(finding), place_text(finding.place), advice_text(finding))
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"


def _folded(title: str, lines: list[str], space: int) -> list[str]:
    if not lines or space < 0:
        return []
    shown = [f"- {escaped(line)}" for line in lines]
    return ["", f"<details><summary>{title} ({len(lines)})</summary>", "", *shown, "", "</details>"]
