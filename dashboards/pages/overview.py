"""Overview: what is wrong now, how much traffic there is, how fresh and how complete the data is."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboards import data, state
from dashboards.components import charts, page
from dashboards.components.columns import EDGE, FINDING, with_edge_names, with_episodes
from dashboards.components.records import Column, records
from dashboards.models import formats
from dashboards.models.rows import integer, moment, real
from dashboards.models.time_axis import bucket_seconds


def headline(filters: state.Filters) -> None:
    """Six numbers: traffic, errors, latency, findings, alerts, coverage."""
    totals = data.rows("dashboard_totals", **filters.parameters())[0]
    calls, errors = integer(totals, "calls"), integer(totals, "errors")
    facets = data.rows("dashboard_finding_facets")
    worst = {
        severity: sum(integer(row, "findings") for row in facets if row["severity"] == severity)
        for severity in ("error", "warning", "info")
    }
    alerts = data.rows("dashboard_alerts", namespace=filters.namespace, row_limit=data.ROW_LIMIT)
    pods = data.rows("dashboard_coverage", namespace=filters.namespace, row_limit=data.ROW_LIMIT)
    expected = [row for row in pods if row["proxy"] in {"sidecar", "gateway"}]
    logged = [row for row in expected if row["lines"]]
    columns = st.columns(6)
    columns[0].metric("Calls", formats.count(calls), border=True)
    columns[1].metric("Error rate", formats.percent(errors / calls if calls else None), border=True)
    columns[2].metric("p95 latency", formats.duration(real(totals, "p95_ms")), border=True)
    columns[3].metric(
        "Findings",
        formats.count(worst["error"] + worst["warning"]),
        border=True,
        help=f"Errors: {worst['error']}, warnings: {worst['warning']}; {worst['info']} more for information.",
    )
    columns[4].metric("Alerts", formats.count(len(alerts)), border=True)
    columns[5].metric(
        "Proxies heard",
        f"{len(logged)} of {len(expected)}",
        border=True,
        help="Pods with a sidecar or gateway proxy that wrote access logs.",
    )


def traffic(filters: state.Filters) -> None:
    """Calls, errors and latency over the window."""
    seconds = bucket_seconds(filters.window_start, filters.window_end)
    rows = data.rows("dashboard_traffic", **filters.parameters(), bucket_seconds=seconds, caller=None, callee=None)
    if not rows:
        page.nothing(
            "No calls in this window: no access logs were ingested, or the filters leave none.",
            page.with_lake("meshlens ingest PATH_OF_ACCESS_LOGS"),
        )
        return
    left, right = st.columns(2, gap="medium")
    with left:
        charts.traffic(rows, seconds, "overview-traffic")
    with right:
        charts.latency(rows, seconds, "overview-latency")


def wrong_now(filters: state.Filters) -> None:
    """Findings and alerts, the worst first; a click opens their page."""
    st.subheader("Findings", anchor=False)
    findings = data.rows(
        "dashboard_findings", namespace=filters.namespace, severities=[], codes=[], analyzers=[], row_limit=8
    )
    findings = with_episodes([row for row in findings if row["suppressed_by"] is None], "first_seen")
    if findings:
        records("Worst findings", FINDING, findings, opens="finding", page="findings", height=330)
    else:
        page.nothing("No findings.", page.with_lake("meshlens diagnose"))
    st.subheader("Alerts", anchor=False)
    alerts = with_episodes(data.rows("dashboard_alerts", namespace=filters.namespace, row_limit=8), "window_start")
    if alerts:
        columns = (
            Column("severity", "Severity", "chip"),
            Column("caller", "Caller"),
            Column("callee", "Callee"),
            Column("message", "Message"),
            Column("window_start", "From (UTC)", "second"),
        )
        records("Newest alerts", columns, alerts, opens="alert", page="alerts", height=330)
    else:
        page.nothing("No alerts.", page.with_lake("meshlens alerts"))


def worst_edges(filters: state.Filters) -> None:
    """Edges with the most failed calls; a click opens the topology."""
    st.subheader("Edges with the most failed calls", anchor=False)
    edges = data.rows("dashboard_edges_logs", **filters.parameters(), row_limit=data.ROW_LIMIT)
    failing = sorted((row for row in edges if row["errors"]), key=lambda row: integer(row, "errors"), reverse=True)
    if failing:
        records("Failing edges", EDGE, with_edge_names(failing[:8]), opens="edge", page="topology", height=330)
    else:
        st.caption("No call failed in this window." if edges else "No calls in this window.")


def freshness() -> None:
    """What the lake holds and how old the newest record of each signal is."""
    st.subheader("Data", anchor=False)
    now = datetime.now(UTC)
    rows = [
        {
            **row,
            "age": formats.ago(moment(row, "last_seen"), now),
        }
        for row in data.rows("dashboard_bounds")
    ]
    columns = (
        Column("signal", "Signal"),
        Column("records", "Records", "count", tone=lambda row: "" if row["records"] else "warn"),
        Column("first_seen", "First (UTC)", "second"),
        Column("last_seen", "Newest (UTC)", "second"),
        Column("age", "Age of the newest", "tight"),
    )
    records("Freshness", columns, rows)


def draw() -> None:
    """Draw the page."""
    filters = state.filters()
    page.header("Overview", "What is wrong now, how much traffic there is, and how complete the data is.")
    headline(filters)
    traffic(filters)
    wrong_now(filters)
    worst_edges(filters)
    freshness()


draw()
