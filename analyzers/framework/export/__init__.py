"""Output formats of a report: each says what was skipped and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.export.json import render_json
from analyzers.framework.export.sarif import render_sarif
from analyzers.framework.export.table import render_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzers.framework.analyzer import Report

#: Format name -> text of a report.
EXPORTERS: Final[dict[str, Callable[[Report], str]]] = {
    "table": render_table,
    "json": render_json,
    "sarif": render_sarif,
}
