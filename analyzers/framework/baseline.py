"""Known findings: what a repository had when it began to be checked, so that only new findings fail.

A baseline is a JSON object whose `findings` have a `fingerprint` each: what `--write-baseline` writes, or any report of
`-o json`. Fingerprints hold no times and no counts, so they last until the object or the place in it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from analyzers.framework.finding import Finding


_SILENCED_BY: Final = "baseline "


class BaselineError(ValueError):
    """A baseline that cannot be used; the message names the file, the reason and what to do."""


class _Known(msgspec.Struct):
    fingerprint: str


class _Document(msgspec.Struct):
    findings: list[_Known]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Fingerprints of known findings, and the file that has them."""

    origin: str
    fingerprints: frozenset[str]

    def silences(self, finding: Finding, names: Sequence[str]) -> str | None:
        """That the finding is known, or null."""
        del names
        return f"{_SILENCED_BY}{self.origin}" if finding.fingerprint in self.fingerprints else None

    def note(self, findings: Iterable[Finding]) -> str | None:
        """How many known findings are gone, where some are."""
        gone = len(self.fingerprints - {finding.fingerprint for finding in findings})
        if not gone:
            return None
        return f"{self.origin}: {gone} of {len(self.fingerprints)} known findings are gone; write the baseline anew"


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file.

    Raises:
        BaselineError: it cannot be read or is none.
    """
    try:
        document = msgspec.json.decode(path.read_bytes(), type=_Document)
    except OSError as error:
        raise BaselineError(f"{path}: {error.strerror}; write one with --write-baseline {path}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BaselineError(f"{path} is no baseline: {error}; write one with --write-baseline {path}") from error
    return Baseline(str(path), frozenset(known.fingerprint for known in document.findings))


def is_known(finding: Finding) -> bool:
    """Whether a baseline silences the finding."""
    return (finding.suppressed_by or "").startswith(_SILENCED_BY)


def baseline_text(findings: Iterable[Finding]) -> str:
    """The findings as a baseline, one a line and sorted, so that a change of it reads well in a diff."""
    known = {
        finding.fingerprint: {"fingerprint": finding.fingerprint, "code": finding.code, "subject": finding.subject}
        for finding in findings
    }
    ordered = sorted(known.values(), key=lambda entry: (entry["code"], entry["subject"], entry["fingerprint"]))
    lines = ",\n".join(f"  {msgspec.json.encode(entry).decode()}" for entry in ordered)
    return f'{{"findings": [\n{lines}\n]}}\n' if ordered else '{"findings": []}\n'
