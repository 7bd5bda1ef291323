"""An alert, and how consecutive windows of one shift become one alert."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from analyzers.framework.finding import Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """One edge's shift over one or more windows.

    `observed` and `expected` are an error rate (0 to 1) or a latency (milliseconds); of several windows the worst is
    kept, with its bounds and samples. `evidence` holds JSON values.
    """

    code: str
    kind: str
    severity: Severity
    caller: str
    callee: str
    protocol: str
    message: str
    window_start: datetime
    window_end: datetime
    observed: float
    observed_lower: float
    observed_upper: float
    expected: float
    expected_upper: float
    samples: int
    baseline_samples: int
    fingerprint: str
    evidence: Mapping[str, object] = field(default_factory=dict)


def merged(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Alerts of one edge and kind whose windows touch or overlap, as one alert each: the worst, over all their time."""
    episodes: list[Alert] = []
    for alert in sorted(alerts, key=lambda one: (one.fingerprint, one.window_start)):
        last = episodes[-1] if episodes else None
        if last is None or last.fingerprint != alert.fingerprint or alert.window_start > last.window_end:
            episodes.append(alert)
            continue
        worst = max(last, alert, key=lambda one: one.observed)
        end = max(last.window_end, alert.window_end)
        episodes[-1] = replace(worst, window_start=last.window_start, window_end=end)
    return tuple(sorted(episodes, key=lambda one: (one.window_start, one.caller, one.callee, one.kind)))
