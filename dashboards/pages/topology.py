"""Topology: who calls whom, how often, with which errors and how fast, and where the sources disagree."""

from __future__ import annotations

import streamlit as st

from dashboards import data, state
from dashboards.components import page
from dashboards.components.columns import EDGE, with_edge_names
from dashboards.components.edge_details import edge_details
from dashboards.components.graph import graph
from dashboards.components.records import Column, error_tone, records
from dashboards.models import formats
from dashboards.models.call_graph import CallGraph, Link, Node, call_graph
from dashboards.models.disagreement import disagreement
from dashboards.models.rows import Row, cut_note

SOURCES = {"logs": "Access logs", "traces": "Traces", "metrics": "Metrics"}

#: Most edges that are read, and most links that are drawn.
EDGE_LIMIT = 5_000
LINK_LIMIT = 250


def node_details(node: Node, calls: CallGraph) -> None:
    """Numbers of one node and the links at it."""
    with st.container(border=True):
        st.subheader(formats.markdown(node.label), anchor=False)
        st.text(formats.plain(f"{node.id} ({node.kind})"))
        columns = st.columns(4)
        columns[0].metric("Calls received", formats.count(node.calls_in))
        columns[1].metric("Of these failed", formats.percent(node.errors_in / node.calls_in if node.calls_in else None))
        columns[2].metric("Calls made", formats.count(node.calls_out))
        columns[3].metric(
            "Of these failed", formats.percent(node.errors_out / node.calls_out if node.calls_out else None)
        )
        left, right = st.columns(2)
        with left:
            links_of("Called by", [link for link in calls.links.values() if link.target == node.id], "source")
        with right:
            links_of("Calls", [link for link in calls.links.values() if link.source == node.id], "target")


def links_of(title: str, links: list[Link], end: str) -> None:
    """Links of a node, the busiest first; a click chooses one."""
    st.caption(title)
    if not links:
        st.caption("nobody" if end == "source" else "nothing")
        return
    columns = (
        Column("other", title),
        Column("calls", "Calls", "count"),
        Column("error_rate", "Error rate", "percent", tone=error_tone),
    )
    rows = [
        {
            "id": link.id,
            "other": formats.short_host(link.source if end == "source" else link.target),
            "calls": link.calls,
            "error_rate": link.error_rate,
        }
        for link in sorted(links, key=lambda link: -link.calls)
    ]
    records(f"{title} links", columns, rows, opens="link", height=220)


def link_details(link: Link) -> None:
    """The edges behind one link."""
    source, target = formats.short_host(link.source), formats.short_host(link.target)
    with st.container(border=True):
        st.subheader(f"{formats.markdown(source)} → {formats.markdown(target)}", anchor=False)
        columns = st.columns(4)
        columns[0].metric("Calls", formats.count(link.calls))
        columns[1].metric("Error rate", formats.percent(link.error_rate))
        st.caption("Several edges make up this link; open one for its requests.")
        records("Edges of this link", EDGE, with_edge_names(link.edges), opens="edge", height=260)


def chosen_edge(calls: CallGraph, edges: list[Row]) -> Row | None:
    """The edge that the URL names, or the only edge of the link that it names."""
    edge, link = state.selected("edge"), calls.links.get(state.selected("link") or "")
    if edge is not None:
        return next((row for row in edges if row["id"] == edge), None)
    return link.edges[0] if link is not None and len(link.edges) == 1 else None


def details(calls: CallGraph, edge: Row | None) -> None:
    """Numbers of what is chosen: an edge, a link or a node."""
    link, node = state.selected("link"), state.selected("node")
    if edge is not None:
        edge_details(edge, state.filters())
    elif link in calls.links:
        link_details(calls.links[link])
    elif node in calls.nodes:
        node_details(calls.nodes[node], calls)
    elif state.selected("edge") or link or node:
        st.info("What the link chose is not in this window, namespace and source.")
    else:
        st.caption("Click a node or an edge for its numbers.")


def sources_compared(namespace: str | None) -> None:
    """Edges that not all sources show alike."""
    st.subheader("Where the sources disagree", anchor=False)
    rows = data.rows("dashboard_edge_sources", namespace=namespace, row_limit=data.ROW_LIMIT)
    if not rows or rows[0]["sources"] == 1:
        st.caption("Only one source was ingested: there is nothing to compare.")
        return
    differing = [
        {**row, "how": disagreement(row)} for row in with_edge_names([row for row in rows if row["disagrees"]])
    ]
    if not differing:
        st.caption(
            f"All {len(rows)} edges are shown alike by every source. Spans are sampled: fewer is no disagreement."
        )
        return
    columns = (
        Column("caller_label", "Caller"),
        Column("callee", "Callee"),
        Column("protocol", "Protocol", "tight"),
        Column("calls_logs", "Logs", "count"),
        Column("calls_traces", "Traces", "count", help="Spans are sampled: fewer than the logs is no disagreement."),
        Column("calls_metrics", "Metrics", "count"),
        Column("how", "Difference"),
    )
    records("Disagreements", columns, differing, note=f"{len(rows) - len(differing)} edges agree")


def draw() -> None:
    """Draw the page."""
    filters = state.filters()
    page.header("Topology", "Who calls whom: width shows calls, colour shows failures.")
    # Values are what the link holds, so they are the words of `meshlens topology --source`.
    source = st.segmented_control(
        "Source", list(SOURCES), default="logs", required=True, key="source", bind="query-params"
    )
    edges = with_edge_names(data.rows(f"dashboard_edges_{source}", **filters.parameters(), row_limit=EDGE_LIMIT))
    if not edges:
        page.nothing(
            f"{SOURCES[source]} show no calls in this window and namespace.",
            page.with_lake("meshlens ingest PATH"),
            page.with_lake("meshlens topology --source " + source),
        )
        return
    if source == "metrics":
        st.caption(
            "Counters are summed over all that was ingested; the time window only leaves out edges not seen in it."
        )
    hosts = data.rows("dashboard_workload_hosts", row_limit=EDGE_LIMIT)
    calls = call_graph(edges, hosts, LINK_LIMIT)
    edge = chosen_edge(calls, edges)
    of_edge = next((link.id for link in calls.links.values() if edge in link.edges), None) if edge else None
    graph("Service graph", calls, selected=of_edge or state.selected("link") or state.selected("node"))
    if calls.links_left_out:
        st.caption(f"{formats.counted(calls.links_left_out, 'link')} with few calls and no failures left out.")
    details(calls, edge)
    st.subheader("Edges", anchor=False)
    note = cut_note(edges, "edges", "those with the most calls")
    records("Edges", EDGE, edges[: data.ROW_LIMIT], opens="edge", note=note)
    sources_compared(filters.namespace)


draw()
