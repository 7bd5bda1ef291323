"""What several formats write alike: hostile characters made visible, places, what was skipped."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from analyzers.framework.blast_radius import is_untouched, traffic_of

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Report
    from analyzers.framework.finding import Finding, Place

#: Characters that turn the direction of text or have no width: what follows them is not what it looks like.
_DECEIVING: Final = (0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_VISIBLE: Final = _CONTROL | {code: f"\\u{code:04x}" for code in (*_DECEIVING, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)}


def visible(text: str) -> str:
    """Control characters, and those that deceive the eye, as programmers write them; newlines and tabs stay."""
    return text.translate(_VISIBLE)


def one_line(text: str) -> str:
    """`visible` text in which newlines and tabs are spaces."""
    return visible(" ".join(text.split()))


def source_text(source: str) -> str:
    """A source as people know it: relative to the working directory where it is beneath it."""
    path = PurePath(source)
    folder = os.getcwd()  # noqa: PTH109 - the plain string is what is compared
    return str(path.relative_to(folder)) if path.is_absolute() and path.is_relative_to(folder) else source


def place_text(place: Place | None) -> str:
    """`folder/file.yaml:12:7`, as compilers write it and editors read it; empty where it is not known."""
    if place is None:
        return ""
    return ":".join([source_text(place.source), *(str(part) for part in (place.line, place.column) if part)])


def aliases_text(aliases: tuple[str, ...]) -> str:
    """` (IST0101, KIA1101)`, or nothing."""
    return f" ({', '.join(aliases)})" if aliases else ""


def subject_text(finding: Finding) -> str:
    """The object and the path in it, or the subject where no object is at fault."""
    return " ".join(part for part in (finding.object or finding.subject, finding.path) if part)


def advice_text(finding: Finding) -> str:
    """What is wrong, and what to do about it."""
    message = finding.message.rstrip(".")
    return finding.message if finding.next_step is None else f"{message}. {finding.next_step}"


def touched_text(finding: Finding) -> str:
    """How much traffic the finding's object has: `1,204 calls of 3 callers (17 failed)`; empty where not known."""
    traffic = traffic_of(finding)
    if traffic is None:
        return ""
    failed = f" ({traffic['failures']:,} failed)" if traffic["failures"] else ""
    return f"{traffic['calls']:,} calls of {traffic['callers']} callers{failed}"


def is_folded(finding: Finding) -> bool:
    """Whether a finding is only counted: no call touches its object, and it is no error."""
    return finding.severity != "error" and is_untouched(finding)


def folded_text(report: Report) -> str:
    """How many findings are only counted, by code; empty where none is."""
    folded = Counter(finding.code for finding in report.active if is_folded(finding))
    told = ", ".join(f"{code} {count}" for code, count in sorted(folded.items()))
    return f"{folded.total()} findings on what no call touched ({told}); -o wide lists them\n" if folded else ""


def remarks(report: Report) -> dict[str, list[str]]:
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


def summary(report: Report) -> str:
    """Findings by severity, and how many analyzers ran."""
    counts = report.counts()
    told = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "no findings"
    whole = sum(not skip.partial for skip in report.skipped)
    return f"{told}; {len(report.ran)} analyzers ran, {whole} skipped"
