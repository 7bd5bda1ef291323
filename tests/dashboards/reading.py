"""Reads a page of an AppTest the way a visitor does: tables by their heading, charts by their title, all text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

#: What components were given: JSON, made by our own code.
Data = Mapping[str, Any]


def mounted(app: AppTest, component: str) -> Iterator[Data]:
    """The data of every mounted component of that name."""
    for element in app.get("bidi_component"):
        proto = element.proto
        if proto.component_name == component:
            yield json.loads(proto.json)


def table(app: AppTest, label: str) -> list[dict[str, str]]:
    """The rows of a table: heading to text."""
    found = next(data for data in mounted(app, "meshlens_records") if data["label"] == label)
    headings = [column["label"] for column in found["columns"]]
    return [dict(zip(headings, (cell["text"] for cell in row["cells"]), strict=True)) for row in found["rows"]]


def tables(app: AppTest) -> set[str]:
    """The labels of all tables of the page."""
    return {data["label"] for data in mounted(app, "meshlens_records")}


def identities(app: AppTest, label: str) -> list[str]:
    """What each row of a table opens."""
    found = next(data for data in mounted(app, "meshlens_records") if data["label"] == label)
    return [row["id"] for row in found["rows"]]


def chart(app: AppTest, title: str) -> Data:
    """The chart whose title begins with `title`."""
    return next(data for data in mounted(app, "meshlens_timeline") if data["title"].startswith(title))


def only(app: AppTest, component: str) -> Data:
    """The data of the page's one component of that name."""
    (data,) = mounted(app, component)
    return data


def metrics(app: AppTest) -> dict[str, str]:
    """The page's metrics by label."""
    return {metric.label: metric.value for metric in app.metric}


def words(app: AppTest) -> str:
    """All text of the page outside components, a line for each element."""
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.text, app.code, app.info, app.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)
