"""A report kept in the lake: its findings as rows, what was skipped among the run's parameters."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from analyzers.framework.export.json import json_value
from analyzers.framework.finding import Finding
from pipelines.lake.lake import Lake
from pipelines.schemas import FINDINGS

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Report
    from pipelines.lake.session import Session

#: The kind of run that findings are kept under.
RUN_KIND: Final = "diagnose"

_SCHEMA: Final = FINDINGS.schema.remove(FINDINGS.schema.get_field_index("run_id"))


def keep(lake_uri: str, session: Session, report: Report) -> str:
    """Append the report as one run and return its id, or the newest run's id where that one says the same.

    `session` is the one that the report was made from. A stream asks again and again: a lake in which nothing has
    changed does not grow.

    Raises:
        LakeError: the lake cannot be written.
    """
    digest = content_digest(report)
    newest = newest_run(session)
    if newest is not None and newest[1] == digest:
        return newest[0]
    parameters = {
        "content": digest,
        "ran": report.ran,
        "skipped": [asdict(skip) for skip in report.skipped],
        "counts": report.counts(),
    }
    return Lake.open(lake_uri).append(RUN_KIND, {FINDINGS.name: finding_rows(report)}, parameters)


def finding_rows(report: Report) -> pa.Table:
    """The findings as rows of the `findings` table without `run_id`, which the lake fills in."""
    produced_at = datetime.now(UTC)
    columns = {field.name for field in fields(Finding)} & set(_SCHEMA.names)
    rows = [
        {name: getattr(finding, name) for name in columns}
        | {
            "produced_at": produced_at,
            "edges": [asdict(edge) for edge in finding.edges],
            "evidence": json.dumps(finding.evidence, default=json_value),
        }
        for finding in report.findings
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def content_digest(report: Report) -> str:
    """A digest of everything the report says but when it was made."""
    content = [
        [asdict(finding) for finding in report.findings],
        [asdict(skip) for skip in report.skipped],
        report.ran,
    ]
    return hashlib.sha256(json.dumps(content, default=json_value, sort_keys=True).encode()).hexdigest()


def newest_run(session: Session, kind: str = RUN_KIND) -> tuple[str, str | None] | None:
    """Id and content digest of the newest run of this kind that the session sees."""
    rows = session.query("newest_run", kind=kind).to_pylist()
    if not rows:
        return None
    return rows[0]["run_id"], json.loads(rows[0]["parameters"]).get("content")
