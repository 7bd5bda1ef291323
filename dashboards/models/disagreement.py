"""In words, how logs, traces and metrics differ on an edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards.models import formats

if TYPE_CHECKING:
    from collections.abc import Mapping


def disagreement(row: Mapping[str, object]) -> str:
    """One sentence on a row of `dashboard_edge_sources` that disagrees."""
    counts = {source: row[f"calls_{source}"] for source in ("logs", "traces", "metrics")}
    missing = [source for source, calls in counts.items() if calls is None and not _untraceable(source, row)]
    parts = [f"{', '.join(missing)} do not show it"] if missing else []
    logs, traces, metrics = counts["logs"], counts["traces"], counts["metrics"]
    if isinstance(logs, int) and isinstance(metrics, int) and logs != metrics:
        more, by = ("metrics", metrics - logs) if metrics > logs else ("logs", logs - metrics)
        parts.append(f"{more} count {formats.count(by)} more ({formats.percent(by / max(logs, metrics))})")
    if isinstance(logs, int) and isinstance(traces, int) and traces > logs:
        parts.append(f"traces count {formats.count(traces - logs)} more than logs")
    return "; ".join(parts)


def _untraceable(source: str, row: Mapping[str, object]) -> bool:
    return source == "traces" and row["protocol"] == "tcp"
