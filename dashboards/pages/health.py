"""Health: how every namespace, service, workload and edge is doing, and why."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import streamlit as st

from analyzers.framework.analyzer import Options
from analyzers.health.health import LEVELS, judged
from analyzers.health.verdict import STATUSES
from dashboards import data, state
from dashboards.components import page
from dashboards.components.records import Column, records
from dashboards.models import formats

if TYPE_CHECKING:
    from analyzers.health.health import Health
    from dashboards.models.rows import Row

TITLES = {"namespace": "Namespaces", "service": "Services", "workload": "Workloads", "edge": "Edges"}

NUMBERS = (
    Column("calls", "Calls", "count"),
    Column("failures", "Failed", "count"),
    Column("retried", "Retried", "count", help="Calls that took more than one attempt."),
    Column("p95_ms", "p95", "duration"),
    Column("why", "Why"),
)


def shown(item: Health) -> Row:
    """One row of a table."""
    in_namespace = item.namespace is not None and "." not in item.name
    return {
        "status": item.status,
        "name": f"{item.namespace}/{item.name}" if in_namespace else item.name,
        "caller": None if item.caller is None else f"{item.caller_namespace or ''}/{item.caller}".lstrip("/"),
        "calls": item.calls,
        "failures": item.failures,
        "retried": item.retried,
        "p95_ms": item.p95_ms,
        "why": "; ".join(reason.text for reason in item.reasons),
    }


def columns_of(level: str) -> tuple[Column, ...]:
    """The columns of a level's table."""
    ends = (Column("caller", "Caller"), Column("name", "Callee")) if level == "edge" else (Column("name", "Name"),)
    return (Column("status", "Status", "chip"), *ends, *NUMBERS)


def draw() -> None:
    """Draw the page."""
    filters = state.filters()
    page.header("Health", "Calls of the window against those of the day before it; each call counts once.")
    rows = data.rows(
        "health",
        since=None,
        # The window includes its end, which queries leave out.
        until=filters.window_end + timedelta(microseconds=1),
        namespaces=[] if filters.namespace is None else [filters.namespace],
        recent=filters.window_end - filters.window_start + timedelta(seconds=1),
    )
    replicas = data.rows("workload_replicas", namespaces=[] if filters.namespace is None else [filters.namespace])
    found = judged(rows, replicas, Options().minimum_samples)
    if not found:
        page.nothing(
            "No calls in this window: no access logs were ingested, or the filters leave none.",
            page.with_lake("meshlens ingest PATH_OF_ACCESS_LOGS"),
        )
        return
    counts = Counter(item.status for item in found if item.level != "edge")
    for column, status in zip(st.columns(len(STATUSES)), reversed(STATUSES), strict=True):
        column.metric(status.capitalize(), formats.count(counts[status]), border=True)
    for level in LEVELS:
        items = [shown(item) for item in found if item.level == level]
        if items:
            st.subheader(TITLES[level], anchor=False)
            cut = f"The worst {data.ROW_LIMIT} of {len(items)}." if len(items) > data.ROW_LIMIT else ""
            records(TITLES[level], columns_of(level), items[: data.ROW_LIMIT], note=cut)


draw()
