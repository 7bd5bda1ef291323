"""Data: what was ingested and what could not be read, and which proxies were never heard."""

from __future__ import annotations

import streamlit as st

from dashboards import data, state
from dashboards.components import page
from dashboards.components.records import Column, records
from dashboards.models import formats
from dashboards.models.rows import Row, cut_note, integer


def sources() -> None:
    """Per source: what was read, accepted and rejected, and whether that adds up."""
    st.subheader("Sources", anchor=False)
    found = data.rows("dashboard_sources", row_limit=data.ROW_LIMIT)
    if not found:
        st.caption("Nothing was ingested.")
        return
    read, accepted, rejected = (sum(integer(row, name) for row in found) for name in ("read", "accepted", "rejected"))
    total = integer(found[0], "sources")
    columns = st.columns(4)
    columns[0].metric("Sources", formats.count(total), border=True)
    columns[1].metric("Records read", formats.count(read), border=True)
    columns[2].metric("Accepted", formats.count(accepted), border=True)
    columns[3].metric("Rejected", formats.count(rejected), border=True)
    if read == accepted + rejected:
        st.caption(
            f"{formats.count(read)} read = {formats.count(accepted)} accepted + {formats.count(rejected)} rejected."
        )
    else:
        st.error(f"{read:,} read is not {accepted:,} accepted + {rejected:,} rejected: records were lost or doubled.")
    shown = [{**row, "progress": _progress(row)} for row in found]
    listed = (
        Column("source", "Source", "code"),
        Column("format", "Format", "tight"),
        Column("read", "Read", "count"),
        Column("accepted", "Accepted", "count"),
        Column("rejected", "Rejected", "count", tone=lambda row: "bad" if row["rejected"] else ""),
        Column("progress", "Bytes read", "tight", tone=lambda row: "warn" if "of" in str(row["progress"]) else ""),
        Column("recorded_at", "Last read (UTC)", "second"),
    )
    note = cut_note(found, "sources")
    records("Sources", listed, shown, opens="source_file", identity="source", note=note)


def _progress(row: Row) -> str:
    position, size = integer(row, "position"), integer(row, "size")
    return formats.size(position) if position >= size else f"{formats.size(position)} of {formats.size(size)}"


def rejects() -> None:
    """Why records were rejected, and the records themselves."""
    st.subheader("Rejects", anchor=False)
    reasons = data.rows("dashboard_reject_reasons", row_limit=data.ROW_LIMIT)
    if not reasons:
        st.caption("Every record could be read.")
        return
    columns = (
        Column("format", "Format", "tight"),
        Column("reason", "Reason"),
        Column("records", "Records", "count"),
        Column("sources", "Sources", "count"),
    )
    records("Reasons for rejects", columns, reasons, height=260)
    chosen = state.selected("source_file")
    found = data.rows("dashboard_rejects", source=chosen, row_limit=200)
    if chosen is not None:
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.caption(f"Rejects of {formats.markdown(chosen)}")
        if right.button("All sources"):
            state.select("source_file", None)
            st.rerun()
    shown = [
        {**row, "bytes": formats.escaped_bytes(raw) if isinstance(raw := row["raw"], bytes) else ""} for row in found
    ]
    listed = (
        Column("source", "Source", "code"),
        Column("source_offset", "Byte offset", "count"),
        Column("reason", "Reason"),
        Column("raw_length", "Length", "size"),
        Column("bytes", "Bytes as read", "code"),
    )
    note = cut_note(found, "rejects")
    records("Rejected records", listed, shown, note=note, height=360)


def coverage(namespace: str | None) -> None:
    """Which proxies wrote access logs and which wrote none."""
    st.subheader("Coverage by pod", anchor=False)
    pods = data.rows("dashboard_coverage", namespace=namespace, row_limit=data.ROW_LIMIT)
    if not pods:
        st.caption("No pods with a proxy are known: ingest the cluster's objects.")
        return
    silent = [row for row in pods if row["proxy"] in {"sidecar", "gateway"} and not row["lines"]]
    unknown = sum(integer(row, "lines") for row in pods if row["pod"] is None)
    if silent:
        st.warning(
            f"No access log from {formats.counted(len(silent), 'pod')} with a proxy: calls between two such are unseen."
        )
    if unknown:
        st.warning(f"{formats.counted(unknown, 'line')} from files that name no known pod: ingest with --pod or --map.")
    most = max(integer(row, "lines") for row in pods) or 1
    columns = (
        Column("namespace", "Namespace", "tight"),
        Column("workload", "Workload"),
        Column("pod", "Pod", "code"),
        Column("proxy", "Proxy", "tight"),
        Column(
            "lines",
            "Log lines",
            "count",
            tone=lambda row: "" if row["lines"] else "warn",
            share=lambda row: integer(row, "lines") / most,
        ),
        Column("last_seen", "Newest (UTC)", "second"),
    )
    records("Coverage", columns, pods, note=cut_note(pods, "pods", "the quietest"))


def runs() -> None:
    """What was done to the lake."""
    st.subheader("Runs", anchor=False)
    found = data.rows("dashboard_runs", row_limit=100)
    shown = [
        {
            **row,
            "added": ", ".join(f"{entry['key']} {entry['value']:,}" for entry in row["rows_by_table"] if entry["value"])
            if isinstance(row["rows_by_table"], list)
            else None,
        }
        for row in found
    ]
    columns = (
        Column("finished_at", "Finished (UTC)", "second"),
        Column("kind", "Kind", "tight"),
        Column("duration_ms", "Took", "duration"),
        Column("read", "Read", "count"),
        Column("accepted", "Accepted", "count"),
        Column("rejected", "Rejected", "count"),
        Column("bytes", "Input", "size"),
        Column("added", "Rows added"),
        Column("run_id", "Run", "code"),
    )
    records("Runs", columns, shown, note=cut_note(found, "runs", "the newest"))


def draw() -> None:
    """Draw the page."""
    filters = state.filters()
    page.header("Data", "What was ingested, what could not be read, and which proxies were never heard.")
    sources()
    rejects()
    coverage(filters.namespace)
    runs()


draw()
