"""Lakes from a folder as a user has it: `config/` (YAML), `traffic/POD/*.log` (text or JSON), `metrics/*.json`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.lake.lake import Lake
from pipelines.parsers.istio_json import parse_istio_json
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.kubernetes import parse_kubernetes_yaml
from pipelines.parsers.prometheus_range import parse_prometheus_range
from pipelines.schemas import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.parsers.result import Parsed

#: When the configuration was dumped: its objects say when they were made, not when they were seen.
DUMPED_AT = datetime(2026, 6, 30, tzinfo=UTC)


def lake_of(folder: Path, uri: Path) -> str:
    """A lake of everything in `folder`; every record must be readable. Returns its address."""
    parts: dict[str, list[pa.Table]] = {}
    for table, form, path, parsed in _parsed(folder):
        assert parsed.rejected.num_rows == 0, (path, parsed.rejected.slice(0, 3).to_pylist())
        parts.setdefault(table, []).append(_complete(table, form, path.relative_to(folder.parent), parsed.accepted))
    lake = Lake.open(str(uri), create=True)
    lake.append("ingest", {table: pa.concat_tables(rows) for table, rows in parts.items()})
    return str(uri)


def _parsed(folder: Path) -> Iterator[tuple[str, str, Path, Parsed]]:
    for path in sorted((folder / "config").glob("*.yaml")):
        yield "mesh_objects", "kubernetes_yaml", path, parse_kubernetes_yaml(path.read_bytes(), 0)
    for path in sorted((folder / "traffic").glob("*/*.log")):
        content = path.read_bytes()
        if content.startswith(b"{"):
            yield "access_logs", "istio_json", path, parse_istio_json(content, 0)
        else:
            yield "access_logs", "istio_text", path, parse_istio_text(content, 0)
    for path in sorted((folder / "metrics").glob("*.json")):
        yield "metric_samples", "prometheus_range", path, parse_prometheus_range(path.read_bytes(), 0, path.stem)


def _complete(table: str, form: str, path: Path, rows: pa.Table) -> pa.Table:
    """Parser rows with the columns that a job adds."""
    filled = []
    for row in rows.to_pylist():
        row |= {"source": path.as_posix(), "format": form}
        if table == "mesh_objects" and row["observed_at"] is None:
            row |= {"observed_at": DUMPED_AT, "observed_at_exact": False}
        if table != "mesh_objects":
            row["date"] = (row.get("start_time") or row["time"]).date()
        filled.append(row)
    return pa.Table.from_pylist(filled, schema=BY_NAME[table].schema)
