"""The service graph as something to look at and click."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

import streamlit as st

from dashboards import state
from dashboards.components.files import script, style
from dashboards.models import formats
from dashboards.models.graph_layout import LAYER_GAP, NODE_GAP, Layout, layered

if TYPE_CHECKING:
    from dashboards.models.call_graph import CallGraph, Link, Node

_KEY = "service-graph"
_PORT_GAP = 9.0
_PAGE_WIDTH = 980.0


def graph(label: str, calls: CallGraph, *, selected: str | None) -> None:
    """Draw `calls`; a click writes the URL parameter `node` or `link` and clears the other."""

    def chosen() -> None:
        choice = st.session_state[_KEY].get("chosen") or {}
        kind, identity = choice.get("kind"), choice.get("id")
        state.select("node", str(identity) if kind == "node" else None)
        state.select("link", str(identity) if kind == "link" else None)
        state.select("edge", None)

    layout = layered(list(calls.nodes), [(link.source, link.target) for link in calls.links.values()])
    most = max((link.calls for link in calls.links.values()), default=1)
    leaving, entering = _ports(calls, layout)
    data = {
        "label": label,
        "nodes": [_node(node, *layout.centres[node.id]) for node in calls.nodes.values()],
        "links": [_link(link, layout, most, leaving[link.id], entering[link.id]) for link in calls.links.values()],
        "selected": selected,
        "height": _height(layout),
    }
    mount = st.components.v2.component(
        "meshlens_graph", html='<div class="ml"></div>', css=style("graph"), js=script("graph")
    )
    mount(key=_KEY, data=data, on_chosen_change=chosen)


def _height(layout: Layout) -> int:
    """Pixels that the graph needs where the page is as wide as usual."""
    width = max((x for x, _ in layout.centres.values()), default=0.0) + LAYER_GAP
    height = max((y for _, y in layout.centres.values()), default=0.0) + 3 * NODE_GAP
    return int(min(640, max(320, 60 + height * min(1.15, _PAGE_WIDTH / width))))


def tone(calls: int, errors: int) -> str:
    """The colour class of an error rate: from 5 % bad, above zero a warning."""
    if errors == 0 or calls == 0:
        return "ok"
    return "bad" if errors / calls >= 0.05 else "warn"


def _node(node: Node, x: float, y: float) -> dict[str, object]:
    place = node.namespace or {"unknown": "no workload known"}.get(node.kind, node.kind)
    title = (
        f"{formats.plain(node.id)} ({node.kind}): received {formats.count(node.calls_in)} calls, "
        f"{formats.count(node.errors_in)} failed; made {formats.count(node.calls_out)}"
    )
    return {
        "id": node.id,
        "label": formats.plain(node.label),
        "under": formats.plain(place),
        "kind": node.kind,
        "tone": tone(node.calls_in, node.errors_in),
        "title": title,
        "x": x,
        "y": y,
    }


def _link(link: Link, layout: Layout, most: int, leaves: float, enters: float) -> dict[str, object]:
    calls = formats.count(link.calls)
    return {
        "id": link.id,
        "source": link.source,
        "target": link.target,
        "bends": [list(point) for point in layout.bends.get((link.source, link.target), ())],
        "spread_out": leaves,
        "spread_in": enters,
        "width": round(1.5 + 5 * math.log1p(link.calls) / math.log1p(most), 2),
        "tone": tone(link.calls, link.errors),
        "label": f"{calls} ({formats.percent(link.error_rate)})" if link.errors else calls,
        "title": f"{formats.plain(link.id)}: {calls} calls, {formats.count(link.errors)} failed "
        f"({formats.percent(link.error_rate)})",
    }


def _ports(calls: CallGraph, layout: Layout) -> tuple[dict[str, float], dict[str, float]]:
    """How far above or below a node's centre its links leave and enter, so that they do not lie on each other."""
    leaving, entering = defaultdict(list), defaultdict(list)
    for link in calls.links.values():
        bends = layout.bends.get((link.source, link.target), ())
        first = bends[0] if bends else layout.centres[link.target]
        last = bends[-1] if bends else layout.centres[link.source]
        leaving[link.source].append((first[1], link.id))
        entering[link.target].append((last[1], link.id))
    spread: tuple[dict[str, float], dict[str, float]] = ({}, {})
    for ports, offsets in zip((leaving, entering), spread, strict=True):
        for found in ports.values():
            gap = min(_PORT_GAP, 36.0 / len(found))
            for place, (_, identity) in enumerate(sorted(found)):
                offsets[identity] = (place - (len(found) - 1) / 2) * gap
    return spread
