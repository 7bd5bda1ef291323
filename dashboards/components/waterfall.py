"""The waterfall of one trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboards import state
from dashboards.components.files import script, style
from dashboards.models import formats

if TYPE_CHECKING:
    from dashboards.models.span_tree import Bar, SpanTree

_KEY = "waterfall"
_TICKS = 5


def waterfall(tree: SpanTree) -> None:
    """Draw the bars; a click writes the URL parameter `span`."""

    def opened() -> None:
        chosen = st.session_state[_KEY].get("opened")
        if chosen is not None:
            state.select("span", str(chosen))

    services = sorted({str(bar.row["service"]) for bar in tree.bars})
    hues = {service: hue for hue, service in enumerate(services)}
    data = {
        "heading": f"{formats.count(len(tree.bars))} spans in {formats.duration(tree.duration_ms)}",
        "duration_ms": tree.duration_ms,
        "services": [formats.plain(service) for service in services],
        "ticks": [
            {"at_ms": tree.duration_ms * tick / _TICKS, "text": formats.duration(tree.duration_ms * tick / _TICKS)}
            for tick in range(_TICKS)
        ],
        "bars": [_bar(bar, hues[str(bar.row["service"])]) for bar in tree.bars],
        "selected": state.selected("span"),
    }
    mount = st.components.v2.component(
        "meshlens_waterfall", html='<div class="ml"></div>', css=style("waterfall"), js=script("waterfall")
    )
    mount(key=_KEY, data=data, on_opened_change=opened)


def _bar(bar: Bar, hue: int) -> dict[str, object]:
    row = bar.row
    failed = bool(row["is_error"])
    code = row["response_code"]
    took = formats.duration(bar.duration_ms)
    service, name = formats.plain(row["service"]), formats.plain(row["name"])
    return {
        "id": str(row["span_id"]),
        "depth": bar.depth,
        "hue": hue,
        "service": service,
        "name": name,
        "start_ms": bar.start_ms,
        "duration_ms": bar.duration_ms,
        "gaps": [list(gap) for gap in bar.gaps],
        "took": took,
        "failed": failed,
        "flag": "" if not failed else "error" if code is None else f"{code}",
        "note": bar.note,
        "title": f"{service}: {name}, {took} from {formats.duration(bar.start_ms)}{', failed' if failed else ''}",
    }
