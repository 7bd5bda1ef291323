"""Scoping: the Sidecar recommended for each workload, why, how well it was observed, and what it changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import streamlit as st

from dashboards import data, state
from dashboards.components import page
from dashboards.components.evidence_tables import evidence_tables
from dashboards.components.records import Column, records
from dashboards.models import evidence, formats, manifests
from dashboards.models.rows import Row, cut_note, items, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

VERDICTS = {
    "EMIT": "Ready to apply.",
    "EMIT_REVIEW": "Apply after a look at the reasons.",
    "ABSTAIN": "No manifest: the evidence does not carry one.",
}

COLOURS: Mapping[str, Literal["green", "blue", "orange"]] = {"EMIT": "green", "EMIT_REVIEW": "blue"}

COLUMNS = (
    Column("verdict", "Verdict", "chip"),
    Column("namespace", "Namespace", "tight"),
    Column("workload", "Workload"),
    Column("kind", "Kind", "tight"),
    Column("host_count", "Hosts", "count"),
    Column("warning_list", "Warnings"),
    Column("reason", "First reason"),
)


def described(row: Row) -> Row:
    """A row with its identity and what the list shows."""
    hosts = items(row, "hosts")
    warnings = items(row, "warnings")
    reasons = reasons_of(row)
    return {
        **row,
        "id": f"{row['namespace']}/{row['workload']}",
        "host_count": len(hosts),
        "warning_list": ", ".join(str(warning) for warning in warnings) or None,
        "reason": str(reasons[0]["message"]) if reasons else None,
    }


def reasons_of(row: Row) -> list[Row]:
    """The reasons as rows with `verdict`, `message` and `code`, whatever their JSON looks like."""
    try:
        value = json.loads(str(row["reasons"]))
    except ValueError:
        value = [row["reasons"]]
    found = value if isinstance(value, list) else [value]
    empty = {"verdict": None, "message": None, "code": None}
    return [{**empty, **item} if isinstance(item, dict) else {**empty, "message": str(item)} for item in found]


def manifest_tabs(row: Row) -> None:
    """The manifest and what it changes."""
    text = str(row["manifest"])
    shown, changes = st.tabs(["Manifest", "Diff"])
    with shown:
        st.code(text, language="yaml", line_numbers=True)
        st.download_button(
            "Download this manifest",
            text,
            file_name=manifests.file_name(row),
            mime="application/yaml",
            icon=":material/download:",
            on_click="ignore",
        )
    with changes:
        sidecars = data.rows("dashboard_sidecars_now", namespace=row["namespace"], row_limit=data.ROW_LIMIT)
        comparison = manifests.compared(row, sidecars)
        if comparison is None:
            st.caption("The namespace has no Sidecar and there is no earlier recommendation: everything is new.")
        elif not comparison.diff:
            st.caption(f"No difference from {formats.markdown(comparison.against)}.")
        else:
            st.caption(f"Against {formats.markdown(comparison.against)}:")
            st.code(comparison.diff, language="diff")


def opened(row: Row) -> None:
    """One workload's recommendation."""
    with st.container(border=True):
        st.subheader(f"{formats.markdown(row['namespace'])}/{formats.markdown(row['workload'])}", anchor=False)
        verdict = str(row["verdict"])
        st.badge(formats.markdown(verdict), color=COLOURS.get(verdict, "orange"))
        st.text(VERDICTS.get(verdict, ""))
        page.facts([("Object", f"{row['kind']} {row['namespace']}/{row['name']}"), ("Observed (UTC)", window(row))])
    left, right = st.columns(2, gap="medium")
    with left:
        reasons = reasons_of(row)
        if reasons:
            st.caption("Reasons")
            columns = (
                Column("verdict", "Allows", "chip"),
                Column("code", "Warning", "tight"),
                Column("message", "Reason"),
            )
            records("Reasons", columns, reasons, height=280)
        hosts = items(row, "hosts")
        st.caption("Hosts")
        records("Hosts", (Column("host", "Imported host", "code"),), [{"host": host} for host in hosts], height=260)
    with right:
        if row["manifest"] is None:
            page.nothing("There is no manifest.", page.with_lake("meshlens recommend"))
        else:
            manifest_tabs(row)
    st.subheader("Evidence", anchor=False)
    evidence_tables("Evidence", evidence.parsed(row["coverage"]), single="Coverage")


def window(row: Row) -> str | None:
    """The time that a recommendation rests on."""
    start, end = moment(row, "window_start"), moment(row, "window_end")
    if start is None or end is None:
        return None
    length = formats.duration((end - start).total_seconds() * 1000)
    return f"{formats.time(start)} to {formats.time(end)} ({length})"


def draw() -> None:
    """Draw the page."""
    filters = state.filters()
    page.header("Scoping", "One Sidecar for each workload, from the calls that were seen: hosts, coverage, hazards.")
    found = data.rows("dashboard_recommendations", namespace=filters.namespace, row_limit=data.ROW_LIMIT)
    if not found:
        page.nothing(
            "There are no recommendations for this namespace."
            if filters.namespace
            else "There are no recommendations.",
            page.with_lake("meshlens recommend"),
        )
        return
    recommendations = [described(row) for row in found]
    with_manifest = [row for row in recommendations if row["manifest"] is not None]
    records(
        "Recommendations",
        COLUMNS,
        recommendations,
        opens="workload",
        note=cut_note(found, "recommendations"),
    )
    st.download_button(
        f"Download {formats.counted(len(with_manifest), 'manifest')} (zip)",
        manifests.bundle(with_manifest),
        file_name="meshlens-sidecars.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        disabled=not with_manifest,
        on_click="ignore",
    )
    identity = state.selected("workload")
    chosen = next((row for row in recommendations if row["id"] == identity), None)
    if chosen is not None:
        opened(chosen)
    elif identity is not None:
        st.info("The workload that the link names has no recommendation in the newest run and this namespace.")
    else:
        st.caption("Open a workload for its manifest.")


draw()
