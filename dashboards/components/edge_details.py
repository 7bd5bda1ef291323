"""The numbers of one edge: counts, latency, how calls ended, and the newest of them."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboards import data, state
from dashboards.components import charts
from dashboards.components.columns import with_places
from dashboards.components.records import Column, records
from dashboards.models import formats
from dashboards.models.call_graph import caller_label
from dashboards.models.rows import Row, real
from dashboards.models.time_axis import bucket_seconds

OUTCOME: Final = (
    Column("response_code", "Code", "tight", tone=lambda row: "bad" if row["is_error"] else ""),
    Column("response_flags", "Flags", "tight"),
    Column("response_code_details", "Details", "code"),
    Column("calls", "Calls", "count"),
    Column("p95_ms", "p95", "duration"),
)

REQUEST: Final = (
    Column("start_time", "Start (UTC)", "time"),
    Column("method", "Method", "tight"),
    Column("path", "Path", "code"),
    Column("response_code", "Code", "tight", tone=lambda row: "bad" if row["is_error"] else ""),
    Column("response_flags", "Flags", "tight"),
    Column("response_code_details", "Details", "code"),
    Column("duration_ms", "Duration", "duration"),
    Column("request_id", "Request id", "code"),
    Column("place", "Log file and byte offset", "code"),
)


def edge_details(edge: Row, filters: state.Filters) -> None:
    """Show one row of the topology's edges."""
    callee = formats.short_host(None if edge["callee"] is None else str(edge["callee"]))
    with st.container(border=True):
        st.subheader(f"{formats.markdown(caller_label(edge))} → {formats.markdown(callee)}", anchor=False)
        port = "" if edge.get("port") is None else f", port {edge['port']}"
        st.text(formats.plain(f"{edge['callee']} ({edge['callee_kind']}), {edge['protocol']}{port}"))
        cells = (
            ("Calls", formats.count(real(edge, "calls"))),
            ("Failed", formats.count(real(edge, "errors"))),
            ("Error rate", formats.percent(real(edge, "error_rate"))),
            ("p50", formats.duration(real(edge, "p50_ms"))),
            ("p95", formats.duration(real(edge, "p95_ms"))),
            ("p99", formats.duration(real(edge, "p99_ms"))),
        )
        for column, (label, value) in zip(st.columns(len(cells)), cells, strict=True):
            column.metric(label, value)
        chosen = {
            "caller_namespace": edge["caller_namespace"],
            "caller": edge["caller"],
            "callee": edge["callee"],
            "protocol": edge["protocol"],
            "window_start": filters.window_start,
            "window_end": filters.window_end,
        }
        outcomes = data.rows("dashboard_edge_outcomes", **chosen, row_limit=20)
        if not outcomes:
            st.caption("The access logs have no calls of this edge in the window.")
            return
        over_time(edge, filters)
        st.caption("How calls ended")
        records("How calls ended", OUTCOME, outcomes, height=200)
        st.caption("Requests, failed ones first, then the newest")
        requests = data.rows("dashboard_edge_requests", **chosen, row_limit=50)
        records("Requests of the edge", REQUEST, with_places(requests), height=320)


def over_time(edge: Row, filters: state.Filters) -> None:
    """The edge's calls and latency over the window."""
    seconds = bucket_seconds(filters.window_start, filters.window_end)
    rows = data.rows(
        "dashboard_traffic",
        namespace=None,
        window_start=filters.window_start,
        window_end=filters.window_end,
        bucket_seconds=seconds,
        caller=caller_label(edge),
        callee=edge["callee"],
    )
    if rows:
        left, right = st.columns(2, gap="medium")
        with left:
            charts.traffic(rows, seconds, "edge-traffic")
        with right:
            charts.latency(rows, seconds, "edge-latency")
