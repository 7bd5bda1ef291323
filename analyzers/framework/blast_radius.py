"""How much traffic a finding bears on: what ranks findings, faults of configuration too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzers.framework.analyzer import Options
    from analyzers.framework.finding import Finding
    from pipelines.lake.session import Session

#: The evidence that says it: `calls`, `failures`, `callers` and `callees` of the object in the window.
TRAFFIC: Final = "traffic"


def with_traffic(session: Session, findings: Iterable[Finding], options: Options) -> list[Finding]:
    """The findings, those on an object without a time of their own with the object's traffic in the window.

    Without access logs nothing is known of traffic, and nothing is added.
    """
    given = list(findings)
    objects = sorted({found.object for found in given if _is_state(found) and found.object})
    if not objects or session.rows("access_logs") == 0:
        return given
    rows = session.query(
        "object_traffic",
        objects=objects,
        since=options.since,
        until=options.until,
        namespaces=list(options.namespaces),
    ).to_pylist()
    traffic: dict[str, dict[str, Any]] = {row.pop("identity"): row for row in rows}
    return [
        replace(found, evidence={**found.evidence, TRAFFIC: traffic[found.object]})
        if _is_state(found) and found.object in traffic
        else found
        for found in given
    ]


def calls_touched(finding: Finding) -> int:
    """The calls that a finding bears on, by its object's traffic or its own counts; 0 where neither is known."""
    traffic = traffic_of(finding)
    calls = finding.evidence.get("calls") if traffic is None else traffic["calls"]
    return calls if isinstance(calls, int) else 0


def is_untouched(finding: Finding) -> bool:
    """Whether it is known that no call in the window touched the finding's object."""
    traffic = traffic_of(finding)
    return traffic is not None and traffic["calls"] == 0


def traffic_of(finding: Finding) -> Mapping[str, int] | None:
    """The traffic of the finding's object; null where it is not known."""
    found = finding.evidence.get(TRAFFIC)
    return found if isinstance(found, dict) else None


def _is_state(finding: Finding) -> bool:
    return finding.first_seen is None
