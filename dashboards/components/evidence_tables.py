"""Evidence, which is JSON of any shape, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboards.components.records import Column, records
from dashboards.models import formats
from dashboards.models.evidence import sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dashboards.models.rows import Row


def evidence_tables(name: str, content: Mapping[str, object], single: str = "Facts") -> None:
    """One table for single values, headed `single`, and one for each list or object; `name` keeps their keys apart."""
    for number, part in enumerate(sections(content, single), start=1):
        if part.title:
            st.caption(formats.markdown(part.title[:1].upper() + part.title[1:]))
        names = [f"column_{index}" for index in range(len(part.columns))]
        columns = [Column(key, label) for key, label in zip(names, part.columns, strict=True)]
        rows: list[Row] = [dict(zip(names, cells, strict=True)) for cells in part.rows]
        note = f"{formats.count(part.left_out)} more" if part.left_out else ""
        records(f"{name} {number}", columns, rows, height=300, note=note)
