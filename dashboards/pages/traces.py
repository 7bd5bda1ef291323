"""Traces: a list to filter, and the waterfall of one trace."""

from __future__ import annotations

import streamlit as st

from dashboards import data, state
from dashboards.components import page
from dashboards.components.columns import LINE, with_places
from dashboards.components.records import Column, records
from dashboards.components.waterfall import waterfall
from dashboards.models import formats
from dashboards.models.rows import Row, cut_note, integer, items, real
from dashboards.models.span_tree import span_tree

ANY = "Any service"

#: Most spans of one trace that are drawn.
SPAN_LIMIT = 1_000

COLUMNS = (
    Column("start_time", "Start (UTC)", "time"),
    Column("what", "Request", "code"),
    Column("root_service", "From"),
    Column("duration_ms", "Duration", "duration"),
    Column("spans", "Spans", "count"),
    Column("errors", "Failed spans", "count", tone=lambda row: "bad" if row["errors"] else ""),
    Column("trace_id", "Trace id"),
)

DETAILS = (
    "name", "service", "workload", "namespace", "pod", "kind", "method", "url", "protocol", "response_code",
    "response_flags", "status_code", "status_message", "upstream_cluster", "peer_address", "request_id", "source",
    "source_offset",
)  # fmt: skip


def listed(filters: state.Filters) -> list[Row]:
    """Draw the page's own filters and return the traces that fit them, the newest first."""
    services = [str(row["service"]) for row in data.rows("dashboard_trace_services", row_limit=data.ROW_LIMIT)]
    first, second, third, fourth = st.columns([2, 2, 3, 1.4], vertical_alignment="bottom")
    service = first.selectbox("Service", [ANY, *services], key="service", bind="query-params")
    slowest = second.number_input(
        "Lasting at least (ms)", min_value=0.0, value=0.0, step=10.0, key="min_duration", bind="query-params"
    )
    wanted = third.text_input("Trace id", key="trace_id", bind="query-params", placeholder="whole trace id")
    failed = fourth.toggle("Failed only", key="failed", bind="query-params")
    return data.rows(
        "dashboard_traces",
        **filters.parameters(),
        service=None if service == ANY else service,
        min_duration_ms=slowest or None,
        errors_only=failed,
        trace_id=wanted.strip().lower() or None,
        row_limit=data.ROW_LIMIT,
    )


def described(row: Row) -> str:
    """The request that began a trace: method, host and path."""
    url = str(row["url"] or row["root_name"]).split("://", 1)[-1]
    return f"{row['method']} {url}" if row["method"] else url


def span_details(row: Row) -> None:
    """Everything that one span says, and the log lines of its request."""
    st.subheader(f"Span {formats.markdown(row['span_id'])}", anchor=False)
    said = [{"field": name.replace("_", " "), "value": row[name]} for name in DETAILS if row[name] is not None]
    attributes = [tag for tag in items(row, "attributes") if isinstance(tag, dict)]
    left, right = st.columns(2)
    with left:
        records("Span", (Column("field", "Field", "tight"), Column("value", "Value", "code")), said, height=360)
    with right:
        tags = sorted(
            ({"field": tag["key"], "value": tag["value"]} for tag in attributes), key=lambda tag: str(tag["field"])
        )
        records(
            "Attributes", (Column("field", "Attribute", "tight"), Column("value", "Value", "code")), tags, height=360
        )
    if row["request_id"]:
        lines = data.rows("dashboard_lines_of_requests", request_ids=[row["request_id"]], row_limit=100)
        if lines:
            st.caption("Access-log lines of the same request id")
            records("Lines of the request", LINE, with_places(lines), height=320)


def opened(trace_id: str) -> None:
    """The waterfall of one trace."""
    rows = data.rows("dashboard_trace_spans", trace_id=trace_id, row_limit=SPAN_LIMIT)
    if not rows:
        st.info("The trace that the link names is not in the lake.")
        return
    st.subheader(f"Trace {formats.markdown(trace_id)}", anchor=False)
    waterfall(span_tree(rows))
    if integer(rows[0], "spans") > len(rows):
        st.caption(f"The first {formats.count(len(rows))} of {formats.count(integer(rows[0], 'spans'))} spans.")
    chosen = next((row for row in rows if row["span_id"] == state.selected("span")), None)
    if chosen is not None:
        span_details(chosen)
    else:
        st.caption("Click a span for everything it says.")


def draw() -> None:
    """Draw the page."""
    filters = state.filters()
    page.header("Traces", "Sampled requests as the proxies traced them. Open one for its waterfall.")
    if not data.row_counts().get("spans"):
        page.nothing("No spans were ingested.", page.with_lake("meshlens ingest PATH_OF_OTLP_TRACES"))
        return
    traces = listed(filters)
    if traces:
        longest = max(real(row, "duration_ms") or 0.0 for row in traces) or 1.0
        note = cut_note(traces, "traces", "the newest")
        shown = [{**row, "what": described(row)} for row in traces]
        columns = [
            Column(
                column.name,
                column.label,
                column.kind,
                tone=column.tone,
                share=(lambda row: (real(row, "duration_ms") or 0.0) / longest)
                if column.name == "duration_ms"
                else None,
            )
            for column in COLUMNS
        ]
        records("Traces", columns, shown, opens="trace", identity="trace_id", note=note, height=360)
    else:
        st.info("No trace fits these filters.")
    chosen = state.selected("trace")
    if chosen is not None:
        opened(chosen)


draw()
