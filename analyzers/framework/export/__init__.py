"""Output formats of a report: each says what was skipped and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.export.json import render_json
from analyzers.framework.export.junit import render_junit
from analyzers.framework.export.markdown import render_markdown
from analyzers.framework.export.openmetrics import render_openmetrics
from analyzers.framework.export.sarif import render_sarif
from analyzers.framework.export.table import render_table
from analyzers.framework.export.wide import render_wide
from analyzers.framework.export.yaml import render_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzers.framework.analyzer import Report

#: Format name -> text of a report.
EXPORTERS: Final[dict[str, Callable[[Report], str]]] = {
    "table": render_table,
    "wide": render_wide,
    "json": render_json,
    "yaml": render_yaml,
    "sarif": render_sarif,
    "junit": render_junit,
    "markdown": render_markdown,
    "openmetrics": render_openmetrics,
}
