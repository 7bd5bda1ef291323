"""What was recommended before: a host leaves a Sidecar only after two windows without a call, and not before its time.

One quiet window proves little: the month's end may lie between. So a host of the Sidecar in force is dropped where an
earlier window, which ended before this one began, saw no call either, and where the time it should be kept for
(`frequency.keep_for_s`) has run out since its last call.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from analyzers.scoping.configuration import items, mapping
from analyzers.scoping.coverage import duration, utc
from analyzers.scoping.frequency import frequency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.lake.session import Session


@dataclass(frozen=True, slots=True)
class Known:
    """What one earlier window knew of a host: its calls, the last of them, and how long to keep it after that."""

    calls: int
    last_seen: datetime | None = None
    keep_for: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Window:
    """One earlier recommendation for an object."""

    start: datetime
    end: datetime
    hosts: Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class History:
    """Earlier recommendations by namespace and name of the object, the newest window first."""

    windows: Mapping[tuple[str, str], tuple[Window, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def departure(self, item: tuple[str, str], host: str, start: datetime | None, end: datetime | None) -> str | None:
        """Why a host without a call from `start` to `end` may leave an object (namespace, name); null: it stays."""
        if start is None or end is None:
            return None
        before = [window for window in self.windows.get(item, ()) if window.end <= start]
        if not before:
            return None
        known = before[0].hosts.get(host)
        if known is None or known.calls:
            return None
        called = [window.hosts[host] for window in before if host in window.hosts and window.hosts[host].calls]
        if not called:
            return f"no call in the windows up to {utc(end)} and to {utc(before[0].end)}, and none known before"
        last = called[0].last_seen
        if last is None or last + called[0].keep_for > end:
            return None
        ago = duration(end - last)
        return f"no call in two windows in a row, the last one {ago} ago ({utc(last)})"


def read_history(session: Session) -> History:
    """Everything that was recommended before."""
    if not session.rows("recommendations"):
        return History()
    found: defaultdict[tuple[str, str], list[Window]] = defaultdict(list)
    for row in session.query("scoping_history").to_pylist():
        length = (row["window_end"] - row["window_start"]).total_seconds()
        decisions = map(mapping, items(mapping(json.loads(row["coverage"])).get("decisions")))
        hosts = {str(decision.get("host")): _known(decision, length) for decision in decisions}
        found[row["namespace"], row["name"]].append(Window(row["window_start"], row["window_end"], hosts))
    return History(MappingProxyType({key: tuple(windows) for key, windows in found.items()}))


def _known(decision: Mapping[str, object], window_s: float) -> Known:
    calls = decision.get("calls")
    slices = [number for number in items(decision.get("slices")) if isinstance(number, int)]
    seen = decision.get("last_seen")
    rate = frequency(slices, window_s)
    return Known(
        calls=calls if isinstance(calls, int) else 0,
        last_seen=datetime.fromisoformat(seen) if isinstance(seen, str) else None,
        keep_for=timedelta(seconds=rate.keep_for_s if rate else window_s),
    )
