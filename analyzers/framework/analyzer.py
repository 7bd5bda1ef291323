"""What an analyzer declares, what it is given and what a run of several returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from analyzers.framework.finding import SEVERITIES, Finding, Severity, at_least

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.lake.session import Session

Family = Literal["diagnosis", "topology", "alerts", "scoping"]

#: Tools whose findings can be reproduced.
Compat = Literal["istio"]


@dataclass(frozen=True, slots=True)
class Code:
    """One finding code: `ML####`, a title, the severity it usually has, and its part of the documentation.

    `aliases` are the codes of other tools for the same fault (`IST0101`, `KIA1101`).
    """

    code: str
    title: str
    severity: Severity
    documentation: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Input:
    """What an analyzer reads: any one of `tables` must have rows; `kinds` narrows `mesh_objects` to any of them.

    Without an `optional` input the analyzer runs and says less; without a required one it is skipped.
    `reason` completes the sentence "without it ...".
    """

    tables: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    optional: bool = False
    reason: str = ""

    def describe(self) -> str:
        """The input in words: `access_logs`, or `mesh_objects of kind Service or ServiceEntry`."""
        tables = " or ".join(self.tables)
        return f"{tables} of kind {' or '.join(self.kinds)}" if self.kinds else tables


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may say about a run. Empty `namespaces` means all; times are UTC and may be open on either side.

    `minimum_window` is how much observation a recommendation needs; `minimum_samples` how many calls a rate needs.
    `compat` asks for what another tool would say, its known faults included.
    """

    namespaces: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    minimum_window: timedelta = timedelta(hours=24)
    minimum_samples: int = 20
    compat: Compat | None = None


Run = Callable[["Session", Options], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Analyzer:
    """One analyzer. `documentation` is its module's docstring: what, why it matters, evidence, fix.

    `reproduces` are the tools whose findings it gives when asked to. One that is `on_request` runs only by its name.
    """

    name: str
    family: Family
    inputs: tuple[Input, ...]
    codes: tuple[Code, ...]
    run: Run
    documentation: str
    reproduces: tuple[Compat, ...] = ()
    on_request: bool = False

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return self.documentation.strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Skipped:
    """An analyzer that did not run (or, `partial`, ran without an optional input), and what was missing."""

    analyzer: str
    missing: tuple[str, ...]
    reason: str
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found. Suppressed findings stay in `findings`; `notes` are remarks such as expired suppressions."""

    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    ran: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    run_id: str | None = None

    @property
    def active(self) -> tuple[Finding, ...]:
        """The findings that nobody suppressed."""
        return tuple(finding for finding in self.findings if finding.suppressed_by is None)

    def counts(self) -> dict[str, int]:
        """Active findings by severity (every severity present), and `suppressed`."""
        by_severity = Counter(finding.severity for finding in self.active)
        counts = {severity: by_severity[severity] for severity in reversed(SEVERITIES)}
        return counts | {"suppressed": len(self.findings) - len(self.active)}

    def worst_at_least(self, threshold: Severity) -> bool:
        """Whether an active finding is `threshold` or worse."""
        return any(at_least(finding.severity, threshold) for finding in self.active)
