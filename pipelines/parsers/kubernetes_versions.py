"""When an object was as a record shows it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.parsers.yaml_values import Value

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Observed(NamedTuple):
    """Unix microseconds, null where nothing says when, and whether that is known rather than taken from nearby."""

    microseconds: int | None
    exact: bool


def rfc3339_microseconds(text: Value) -> int | None:
    """Unix microseconds of a timestamp with its zone, digits past the sixth dropped; None for anything else."""
    if not isinstance(text, str) or not _RFC3339.fullmatch(text):
        return None
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def observed(metadata: Mapping[str, Value], event: str, stated: int | None) -> Observed:
    """The time of a version: what the record states, else the newest write that `metadata.managedFields` tells of.

    Those writes say nothing of a deletion, which happens later: a DELETED event without a stated time takes
    `deletionTimestamp`, which is the end of the grace period and so not exact.
    """
    if stated is not None:
        return Observed(stated, True)
    if event == "DELETED":
        return Observed(rfc3339_microseconds(metadata.get("deletionTimestamp")), False)
    fields = metadata.get("managedFields")
    entries = [entry.get("time") for entry in fields if isinstance(entry, dict)] if isinstance(fields, list) else []
    times = [time for time in map(rfc3339_microseconds, entries) if time is not None]
    return Observed(max(times), True) if times else Observed(None, False)
