"""Evidence, which is JSON of any shape, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboards.components.records import Column, records
from dashboards.models import formats
from dashboards.models.evidence import sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dashboards.models.evidence import Section
    from dashboards.models.rows import Row

#: Tables of more columns take the page's full width; narrower ones stand side by side.
_NARROW = 2


def evidence_tables(name: str, content: Mapping[str, object], single: str = "Facts") -> None:
    """One table for single values, headed `single`, and one for each list or object; `name` keeps their keys apart."""
    found = sections(content, single)
    narrow = [section for section in found if len(section.columns) <= _NARROW]
    wide = [section for section in found if len(section.columns) > _NARROW]
    left, right = st.columns(2, gap="medium")
    heights = [0, 0]
    for section in narrow:
        side = heights.index(min(heights))
        heights[side] += 2 + min(len(section.rows), 7)
        with (left, right)[side]:
            _table(name, section)
    for section in wide:
        _table(name, section)


def _table(name: str, section: Section) -> None:
    st.caption(formats.markdown(section.title[:1].upper() + section.title[1:]))
    names = [f"column_{index}" for index in range(len(section.columns))]
    columns = [Column(key, label) for key, label in zip(names, section.columns, strict=True)]
    rows: list[Row] = [dict(zip(names, cells, strict=True)) for cells in section.rows]
    note = f"{formats.count(section.left_out)} more" if section.left_out else ""
    records(f"{name}: {section.title}", columns, rows, height=300, note=note)
