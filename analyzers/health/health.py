"""The health of everything that was called.

Each call is one call, whether one proxy logged it or both, and is judged by what its caller got: codes of two reporters
are never mixed. Flags tell a proxy's decision from the application's answer; 4xx answers are the callers' doing until
they rise; retries are shown, not hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from analyzers.health.verdict import STATUSES, Reason, Status, judge, judge_replicas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from analyzers.framework.analyzer import Options
    from pipelines.lake.session import Session

Level = Literal["namespace", "service", "workload", "edge"]
LEVELS: Final[tuple[Level, ...]] = ("namespace", "service", "workload", "edge")

#: How much of the newest traffic is judged; what comes before it is the baseline.
RECENT: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Health:
    """How one thing is doing. `caller` is null but for edges; times (UTC) are of its first and last judged call."""

    level: Level
    namespace: str | None
    name: str
    caller_namespace: str | None
    caller: str | None
    status: Status
    reasons: tuple[Reason, ...]
    calls: int
    failures: int
    retried: int
    p95_ms: float | None
    baseline_calls: int
    first_seen: datetime | None
    last_seen: datetime | None


def health(session: Session, options: Options, recent: timedelta = RECENT) -> tuple[Health, ...]:
    """The health of every namespace, service, workload and edge called within `recent` of the newest call.

    Sorted by level, the worst first, then by name. A workload that nobody called is there where replicas are missing.

    Raises:
        LakeError: the lake cannot be read.
    """
    namespaces = list(options.namespaces)
    rows = session.query(
        "health", since=options.since, until=options.until, namespaces=namespaces, recent=recent
    ).to_pylist()
    replicas = session.query("workload_replicas", namespaces=namespaces).to_pylist()
    return judged(rows, replicas, options.minimum_samples)


def judged(
    rows: Iterable[Mapping[str, Any]], replica_rows: Iterable[Mapping[str, Any]], minimum_samples: int
) -> tuple[Health, ...]:
    """The health that rows of the queries `health` and `workload_replicas` give, sorted as `health` does."""
    replicas = {
        (row["namespace"], row["name"]): judge_replicas(row["desired"], row["available"]) for row in replica_rows
    }
    found = [_health(row, replicas, minimum_samples) for row in rows]
    called = {(item.namespace, item.name) for item in found if item.level == "workload"}
    found += [
        _uncalled(namespace, name, reason)
        for (namespace, name), reason in replicas.items()
        if reason is not None and (namespace, name) not in called
    ]
    return tuple(sorted(found, key=_order))


def _health(row: Mapping[str, Any], replicas: Mapping[tuple[str, str], Reason | None], minimum_samples: int) -> Health:
    status, reasons = judge(row, minimum_samples)
    missing = replicas.get((row["namespace"], row["name"])) if row["level"] == "workload" else None
    if missing is not None:
        status = STATUSES[max(STATUSES.index(status), STATUSES.index(missing.status))]
        reasons = (missing, *reasons)
    return Health(
        level=cast("Level", row["level"]),
        namespace=row["namespace"],
        name=row["name"] or "unknown",
        caller_namespace=row["caller_namespace"],
        caller=row["caller"],
        status=status,
        reasons=reasons,
        calls=row["calls"],
        failures=row["failures"],
        retried=row["retried"],
        p95_ms=row["p95_ms"],
        baseline_calls=row["baseline_calls"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
    )


def _uncalled(namespace: str, name: str, reason: Reason) -> Health:
    return Health("workload", namespace, name, None, None, reason.status, (reason,), 0, 0, 0, None, 0, None, None)


def _order(item: Health) -> tuple[int, int, str, str, str]:
    worst_first = -STATUSES.index(item.status)
    return LEVELS.index(item.level), worst_first, item.namespace or "", item.name, item.caller or ""
