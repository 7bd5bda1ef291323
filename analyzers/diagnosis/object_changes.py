"""The change of an object that calls began to fail with, as a diff."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.lake.session import Session

#: Lines of a diff that are kept; a finding is read by people.
_MOST_LINES: Final = 60

#: What the API server writes and nobody decides.
_BOOKKEEPING: Final = ("metadata", "status")


def change_of(
    session: Session, kind: str, namespace: str | None, name: str, changed_at: datetime
) -> dict[str, object] | None:
    """What became of the object at that time: `event`, the unified `diff` of its YAML, and where the version was read.

    Null where no version came into force just then. A new object's diff has added lines only.
    """
    found = session.query("object_change", kind=kind, namespace=namespace, object=name, changed_at=changed_at)
    rows: list[dict[str, Any]] = found.to_pylist()
    if not rows:
        return None
    row = rows[-1]
    return {
        "event": "created" if row["earlier_json"] is None else "changed",
        "diff": diff_of(row["earlier_json"], row["object_json"]),
        "source": row["source"],
        "source_offset": row["source_offset"],
    }


def diff_of(before: str | None, after: str) -> list[str]:
    """Unified diff lines between two JSON documents as YAML, without metadata and status; at most 60 lines."""
    lines = list(difflib.unified_diff(_lines(before), _lines(after), "before", "after", lineterm="", n=2))
    kept = lines[:_MOST_LINES]
    return kept if len(lines) == len(kept) else [*kept, f"... {len(lines) - len(kept)} more lines"]


def _lines(document: str | None) -> list[str]:
    if document is None:
        return []
    values = {key: value for key, value in json.loads(document).items() if key not in _BOOKKEEPING}
    return yaml.safe_dump(values, sort_keys=True, width=110).splitlines()
