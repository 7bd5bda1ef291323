"""A report as one JSON object: `findings`, `skipped`, `counts`, `ran`, `notes`, `run_id`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Report


def render_json(report: Report) -> str:
    """The report as indented JSON; times are ISO 8601 in UTC, every field of a finding is present."""
    return json.dumps(document_of(report), indent=2, default=json_value)


def document_of(report: Report) -> dict[str, object]:
    """The report as one object, whose values `json_value` makes JSON of where they are none."""
    return {
        "findings": [asdict(finding) for finding in report.findings],
        "skipped": [asdict(skip) for skip in report.skipped],
        "counts": report.counts(),
        "ran": list(report.ran),
        "notes": list(report.notes),
        "run_id": report.run_id,
    }


def json_value(value: object) -> object:
    """A value that JSON has no type for, in one that it has.

    Raises:
        TypeError: for a type that no evidence should carry.
    """
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
