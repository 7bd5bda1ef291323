"""A finding: one thing an analyzer has to say, with its evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Severity = Literal["info", "warning", "error"]

#: Severities from the least to the most severe.
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)

#: Who has to change something for the finding to go away. `unknown` is an answer, never a guess.
Side = Literal[
    "caller_proxy",
    "callee_proxy",
    "callee_application",
    "caller_application",
    "configuration",
    "network",
    "client",
    "unknown",
]
SIDES: Final[tuple[Side, ...]] = get_args(Side)


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """Calls from one workload (or gateway) to one host, both as the topology names them."""

    caller: str
    callee: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: the source as it was read, line and column from 1; null where they are not known."""

    source: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    `subject` says in one phrase what the finding is about and is what suppression globs match; `object` is
    `Kind/namespace/name` of the object to change and `path` the place in it (`spec/http[0]/route[1]/destination`).
    `evidence` holds JSON values only. `first_seen` and `last_seen` bound the observations (UTC) and are null where
    the finding is about a state without a time. `suppressed_by` says who silenced it and why. `place` is the file, line
    and column of `path`, filled in for what is shown to people and never part of what is kept.
    """

    analyzer: str
    code: str
    severity: Severity
    subject: str
    message: str
    fingerprint: str
    evidence: Mapping[str, object] = field(default_factory=dict)
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    cause: str | None = None
    side: Side | None = None
    object: str | None = None
    path: str | None = None
    edges: tuple[Edge, ...] = ()
    next_step: str | None = None
    suppressed_by: str | None = None
    place: Place | None = None


def at_least(severity: Severity, threshold: Severity) -> bool:
    """Whether `severity` is `threshold` or worse."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(threshold)


def fingerprint(code: str, subject: str, *identity: str) -> str:
    """32 hexadecimal digits that stay the same over re-runs: no times and no counts belong in `identity`."""
    return hashlib.sha256("\0".join((code, subject, *identity)).encode()).hexdigest()[:32]
