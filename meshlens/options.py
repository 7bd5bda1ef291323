"""Options that every command spells alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

LakeOption = Annotated[
    str,
    typer.Option(
        "--lake",
        envvar="MESHLENS_LAKE",
        help="The lake: a folder or an object-storage address.",
        show_default=True,
    ),
]
DEFAULT_LAKE = "lake"

NamespaceOption = Annotated[
    list[str] | None,
    typer.Option("--namespace", "-n", help="Only what touches this namespace; may be given more than once."),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", help="From this time on: RFC 3339 (2026-11-22T22:05:00Z) or a duration ago (90s, 15m, 24h, 7d)."
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", help="Before this time: RFC 3339, or a duration ago."),
]

ContextOption = Annotated[
    list[str] | None,
    typer.Option(
        "--context", metavar="NAME", help="A context of the kubeconfig; more than once. Default: the current."
    ),
]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str) -> timedelta:
    """A duration written as a number and a unit: `30s`, `15m`, `24h`, `7d`, `2w`.

    Raises:
        typer.BadParameter: it is not written so.
    """
    number, unit = text[:-1], text[-1:]
    try:
        amount = float(number)
    except ValueError:
        amount = -1.0
    if unit not in _UNITS or not 0 <= amount < 1e6:
        raise typer.BadParameter(f"{text!r} is not a duration; write a number and s, m, h, d or w: 30s, 24h")
    return timedelta(**{_UNITS[unit]: amount})


def moment(text: str) -> datetime:
    """A moment in UTC, written as RFC 3339 or as a duration ago.

    Raises:
        typer.BadParameter: it is neither.
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC) - duration(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def period(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Start and end of the period that two options name, null where open.

    Raises:
        typer.BadParameter: one cannot be read, or the period ends before it starts.
    """
    start = None if since is None else moment(since)
    end = None if until is None else moment(until)
    if start is not None and end is not None and end <= start:
        raise typer.BadParameter(f"--until {until} is not after --since {since}")
    return start, end
