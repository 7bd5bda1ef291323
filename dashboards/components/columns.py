"""Columns that several pages show alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.components.records import Column, error_tone
from dashboards.models.call_graph import caller_label, edge_id
from dashboards.models.rows import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboards.models.rows import Row

EDGE: Final = (
    Column("caller_label", "Caller"),
    Column("callee", "Callee"),
    Column("protocol", "Protocol", "tight"),
    Column("calls", "Calls", "count"),
    Column("errors", "Failed", "count", tone=error_tone),
    Column("error_rate", "Error rate", "percent", tone=error_tone),
    Column("p50_ms", "p50", "duration"),
    Column("p95_ms", "p95", "duration"),
    Column("p99_ms", "p99", "duration"),
)

FINDING: Final = (
    Column("severity", "Severity", "chip"),
    Column("code", "Code", "tight"),
    Column("subject", "Subject"),
    Column("message", "Message"),
    Column("last_seen", "Last seen (UTC)", "second"),
)

SUPPRESSED: Final = Column("suppressed_by", "Suppressed by")

LINE: Final = (
    Column("start_time", "Start (UTC)", "time"),
    Column("reporter_pod", "Written by", "tight"),
    Column("side", "Side", "tight"),
    Column("method", "Method", "tight"),
    Column("path", "Path", "code"),
    Column("authority", "Authority"),
    Column("response_code", "Code", "tight"),
    Column("response_flags", "Flags", "tight"),
    Column("response_code_details", "Details", "code"),
    Column("upstream_transport_failure_reason", "Transport failure", "code"),
    Column("duration_ms", "Duration", "duration"),
    Column("upstream_host", "Upstream", "tight"),
    Column("request_id", "Request id", "code"),
    Column("user_agent", "User agent", "code"),
    Column("place", "Log file and byte offset", "code"),
)


def with_edge_names(rows: Sequence[Row]) -> list[Row]:
    """Rows of edges with the identity and caller that `EDGE` shows."""
    return [{**row, "id": edge_id(row), "caller_label": caller_label(row)} for row in rows]


def with_episodes(rows: Sequence[Row], start: str) -> list[Row]:
    """Rows of findings or alerts with their identity: a fingerprint comes back with each episode of its trouble."""
    identified = [(row, moment(row, start)) for row in rows]
    return [
        {**row, "id": f"{row['fingerprint']}@{began:%Y-%m-%dT%H:%M:%SZ}" if began else str(row["fingerprint"])}
        for row, began in identified
    ]


def chosen_episode(rows: Sequence[Row], identity: str) -> Row | None:
    """The row of that identity; of a bare fingerprint the first, which is the worst."""
    return next((row for row in rows if identity in {row["id"], row["fingerprint"]}), None)


def with_places(rows: Sequence[Row]) -> list[Row]:
    """Rows of log lines with the place that `LINE` shows."""
    return [{**row, "place": f"{row['source']}:{row['source_offset']}"} for row in rows]
