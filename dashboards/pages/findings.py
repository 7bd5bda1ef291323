"""Findings: what the analyzers found, each with its evidence and the very requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from dashboards import data, state
from dashboards.components import page
from dashboards.components.columns import (
    FINDING,
    LINE,
    SUPPRESSED,
    chosen_episode,
    with_episodes,
    with_places,
)
from dashboards.components.evidence_tables import evidence_tables
from dashboards.components.records import Column, records
from dashboards.models import evidence, formats
from dashboards.models.rows import Row, cut_note, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Most log lines that a finding shows.
LINE_LIMIT = 200

COLOURS: Mapping[str, Literal["red", "orange", "blue", "gray"]] = {"error": "red", "warning": "orange", "info": "blue"}

#: Who has to change something, in words.
SIDES = {
    "caller_proxy": "the caller's proxy",
    "callee_proxy": "the callee's proxy",
    "callee_application": "the callee's application",
    "caller_application": "the caller's application",
    "configuration": "configuration",
    "network": "the network",
    "client": "the client",
    "unknown": "unknown",
}


def chosen_filters(facets: list[Row]) -> dict[str, object]:
    """Draw the page's own filters and return them as parameters; nothing chosen means everything."""
    left, middle, right = st.columns(3)
    severities = left.pills(
        "Severity", ["error", "warning", "info"], selection_mode="multi", key="severity", bind="query-params"
    )
    codes = middle.multiselect("Code", sorted({str(row["code"]) for row in facets}), key="code", bind="query-params")
    analyzers = right.multiselect(
        "Analyzer", sorted({str(row["analyzer"]) for row in facets}), key="analyzer", bind="query-params"
    )
    return {"severities": severities, "codes": codes, "analyzers": analyzers}


def find(identity: str, listed: list[Row]) -> Row | None:
    """The finding of that identity, among the listed ones or, for a shared link, whatever the filters."""
    everything: dict[str, object] = {"namespace": None, "severities": [], "codes": [], "analyzers": []}
    shown = chosen_episode(listed, identity)
    if shown is not None:
        return shown
    rows = data.rows("dashboard_findings", **everything, row_limit=5_000)
    return chosen_episode(with_episodes(rows, "first_seen"), identity)


def requests(found: evidence.Requests) -> bool:
    """The log lines that the evidence names, else all lines of the request ids it names; whether there were any."""
    lines: list[Row] = []
    if found.places:
        places = found.places[:LINE_LIMIT]
        lines = data.rows(
            "dashboard_lines_at",
            sources=[source for source, _ in places],
            offsets=[offset for _, offset in places],
            row_limit=LINE_LIMIT,
        )
    if not lines and found.request_ids:
        lines = data.rows(
            "dashboard_lines_of_requests", request_ids=list(found.request_ids[:LINE_LIMIT]), row_limit=LINE_LIMIT
        )
    if not lines:
        return False
    st.subheader("Requests", anchor=False)
    records("Requests", LINE, with_places(lines), height=360, note="as the proxies wrote them")
    chain = list(dict.fromkeys(str(line["request_id"]) for line in lines if line["request_id"]))
    if chain and found.places:
        with st.expander("All lines of these requests, hop by hop"):
            hops = data.rows("dashboard_lines_of_requests", request_ids=chain[:50], row_limit=LINE_LIMIT)
            records("Hops", LINE, with_places(hops), height=360)
    return True


def opened(finding: Row) -> None:
    """One finding: what, why, where, what to do, and what it rests on."""
    with st.container(border=True):
        st.subheader(formats.markdown(finding["subject"]), anchor=False)
        severity = str(finding["severity"])
        with st.container(horizontal=True):
            st.badge(formats.markdown(severity), color=COLOURS.get(severity, "gray"))
            st.badge(formats.markdown(finding["code"]), color="gray")
            st.badge(formats.markdown(finding["analyzer"]), color="gray")
            if finding["suppressed_by"]:
                st.badge(formats.markdown(f"suppressed: {finding['suppressed_by']}"), color="gray")
        st.text(formats.plain(finding["message"]))
        page.facts([("Cause", finding["cause"]), ("Next step", finding["next_step"])])
        page.facts(
            [
                ("Side at fault", SIDES.get(str(finding["side"]), finding["side"])),
                ("Object", finding["object"]),
                ("YAML path", finding["path"]),
                ("First seen (UTC)", _time(finding, "first_seen")),
                ("Last seen (UTC)", _time(finding, "last_seen")),
            ]
        )
        st.caption(
            f"`meshlens explain {formats.markdown(finding['code'])}` says what this code means and why it matters."
        )
    content = evidence.parsed(finding["evidence"])
    if requests(evidence.requests(content)):
        content = evidence.without_requests(content)
    if content:
        st.subheader("Evidence", anchor=False)
        evidence_tables("Evidence", content)


def _time(row: Row, name: str) -> str | None:
    """A time as text, or nothing."""
    value = moment(row, name)
    return None if value is None else formats.time(value)


def analyzers_ran(ran: list[Row]) -> None:
    """Which analyzers the newest diagnosis ran, and what the others lacked."""
    counts = {outcome: sum(row["outcome"] == outcome for row in ran) for outcome in ("ran", "ran in part", "skipped")}
    with st.expander(f"Analyzers: {', '.join(f'{count} {outcome}' for outcome, count in counts.items() if count)}"):
        columns = (
            Column("analyzer", "Analyzer", "tight"),
            Column("outcome", "Outcome", "tight", tone=lambda row: "" if row["outcome"] == "ran" else "warn"),
            Column("missing", "Missing input"),
            Column("reason", "Why it matters"),
        )
        records("Analyzers", columns, ran)


def draw() -> None:
    """Draw the page."""
    filters = state.filters()
    page.header("Findings", "What the analyzers found in the newest run, the worst first. Open one for its evidence.")
    facets = data.rows("dashboard_finding_facets")
    ran = data.rows("dashboard_diagnosis")
    if not facets:
        if ran:
            st.info("The newest diagnosis found nothing.")
            analyzers_ran(ran)
        else:
            page.nothing("The diagnosis has not run.", page.with_lake("meshlens diagnose"))
        return
    chosen = chosen_filters(facets)
    found = data.rows("dashboard_findings", namespace=filters.namespace, **chosen, row_limit=data.ROW_LIMIT)
    findings = with_episodes(found, "first_seen")
    if findings:
        note = cut_note(findings, "findings")
        columns = [*FINDING, SUPPRESSED] if any(row["suppressed_by"] for row in findings) else FINDING
        records("Findings", columns, findings, opens="finding", note=note)
    else:
        st.info("No finding fits these filters.")
    if ran:
        analyzers_ran(ran)
    identity = state.selected("finding")
    if identity is None:
        return
    finding = find(identity, findings)
    if finding is None:
        st.info("The finding that the link names is not among those of the newest run: it may be solved.")
    else:
        opened(finding)


draw()
