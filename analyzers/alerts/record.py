"""Alerts of a lake, kept in the lake."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from analyzers.alerts.alert import Alert
from analyzers.alerts.edge_shift import detect
from analyzers.framework.export.json import json_value
from analyzers.framework.store import newest_run
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from pipelines.schemas import ALERTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzers.framework.analyzer import Options

#: The kind of run that alerts are kept under.
RUN_KIND: Final = "alerts"


def alert_lake(lake_uri: str, options: Options) -> tuple[Alert, ...]:
    """Detect the alerts of a lake and keep them as one run, unless the newest run says the same.

    Raises:
        LakeError: the lake cannot be read or written.
    """
    with open_session(lake_uri) as session:
        found = detect(session, options)
        newest = newest_run(session, RUN_KIND)
    digest = hashlib.sha256(json.dumps([asdict(alert) for alert in found], default=json_value).encode()).hexdigest()
    if newest is None or newest[1] != digest:
        Lake.open(lake_uri).append(RUN_KIND, {ALERTS.name: alert_rows(found)}, {"content": digest})
    return found


def alert_rows(alerts: Iterable[Alert]) -> pa.Table:
    """The alerts as rows of the `alerts` table without `run_id`, which the lake fills in."""
    produced_at = datetime.now(UTC)
    kept = {field.name for field in fields(Alert)} & set(ALERTS.columns) - {"evidence"}
    rows = [
        {name: getattr(alert, name) for name in kept}
        | {
            "produced_at": produced_at,
            "evidence": json.dumps(dict(alert.evidence), default=json_value),
        }
        for alert in alerts
    ]
    return pa.Table.from_pylist(rows, schema=ALERTS.schema.remove(ALERTS.schema.get_field_index("run_id")))
