"""Alerts: edges that behave otherwise than before, each with its minutes against the baseline."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from dashboards import data, state
from dashboards.components import charts, page
from dashboards.components.columns import chosen_episode, with_episodes
from dashboards.components.evidence_tables import evidence_tables
from dashboards.components.records import Column, records
from dashboards.models import evidence, formats
from dashboards.models.rows import Row, cut_note, integer, moment, real

KINDS = {"error_rate": "error rate", "latency": "latency"}

#: How much of the past the chart shows before an alert begins, and of the time after it.
BEFORE = timedelta(minutes=60)
AFTER = timedelta(minutes=10)
MINUTE_SECONDS = 60

COLUMNS = (
    Column("severity", "Severity", "chip"),
    Column("kind_words", "Kind", "tight"),
    Column("caller", "Caller"),
    Column("callee", "Callee"),
    Column("observed_text", "Observed", "tight"),
    Column("expected_text", "Expected", "tight"),
    Column("samples", "Calls", "count"),
    Column("window_start", "From (UTC)", "second"),
    Column("lasted_ms", "Lasted", "duration"),
)


def described(row: Row) -> Row:
    """A row with its values in their unit."""
    start, end = period(row)
    return {
        **row,
        "kind_words": KINDS.get(str(row["kind"]), row["kind"]),
        "observed_text": value(row, "observed"),
        "expected_text": value(row, "expected"),
        "lasted_ms": (end - start).total_seconds() * 1000,
    }


def period(row: Row) -> tuple[datetime, datetime]:
    """Begin and end of an alert."""
    start, end = moment(row, "window_start"), moment(row, "window_end")
    if start is None or end is None:
        raise TypeError(f"alert {row['fingerprint']} has no window")
    return start, end


def value(row: Row, name: str) -> str:
    """One of the alert's values in the unit of its kind."""
    number = real(row, name)
    return formats.percent(number) if row["kind"] == "error_rate" else formats.duration(number)


def opened(alert: Row) -> None:
    """One alert: what was seen against what was expected, and the edge's minutes around it."""
    start, end = period(alert)
    with st.container(border=True):
        st.subheader(f"{formats.markdown(alert['caller'])} → {formats.markdown(alert['callee'])}", anchor=False)
        st.text(formats.plain(alert["message"]))
        page.facts(
            [
                (
                    "Observed",
                    f"{alert['observed_text']} ({value(alert, 'observed_lower')} to {value(alert, 'observed_upper')})",
                ),
                ("Expected", f"{alert['expected_text']} (at most {value(alert, 'expected_upper')})"),
                ("Calls in the window", formats.count(integer(alert, "samples"))),
                ("Calls in the baseline", formats.count(integer(alert, "baseline_samples"))),
                ("From (UTC)", formats.second(start)),
                ("To (UTC)", formats.second(end)),
            ]
        )
    rows = data.rows(
        "dashboard_traffic",
        namespace=None,
        window_start=start - BEFORE,
        window_end=end + AFTER,
        bucket_seconds=MINUTE_SECONDS,
        caller=alert["caller"],
        callee=alert["callee"],
    )
    if rows:
        level = real(alert, "expected") or 0.0
        band = charts.Band(start, end, level, f"expected {alert['expected_text']}")
        is_error_rate = alert["kind"] == "error_rate"
        left, right = st.columns(2, gap="medium")
        with left:
            charts.error_rate(rows, MINUTE_SECONDS, "alert-errors", band if is_error_rate else None)
        with right:
            charts.latency(rows, MINUTE_SECONDS, "alert-latency", None if is_error_rate else band)
        st.caption("Shaded: the alert. Dashed: what the edge did before.")
    else:
        st.caption("The access logs of this edge are not in the lake any more, or do not resolve to it.")
    evidence_tables("Alert evidence", evidence.parsed(alert["evidence"]))


def draw() -> None:
    """Draw the page."""
    filters = state.filters()
    page.header("Alerts", "Edges that fail more, or answer slower, than in their own recent past.")
    found = data.rows("dashboard_alerts", namespace=filters.namespace, row_limit=data.ROW_LIMIT)
    alerts = [described(row) for row in with_episodes(found, "window_start")]
    if not alerts:
        page.nothing(
            "There are no alerts: no edge shifted, or nobody looked.",
            page.with_lake("meshlens alerts"),
        )
        return
    note = cut_note(alerts, "alerts")
    records("Alerts", COLUMNS, alerts, opens="alert", note=note)
    identity = state.selected("alert")
    if identity is None:
        st.caption("Open an alert for the edge's minutes.")
        return
    chosen = chosen_episode(alerts, identity)
    if chosen is None:
        st.info("The alert that the link names is not among those of the newest run and this namespace.")
    else:
        opened(chosen)


draw()
