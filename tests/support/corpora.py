"""Recorded corpora: where they are, and lakes made from what a user would have of one."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.lake.lake import Lake
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.kubernetes import parse_kubernetes_watch, parse_kubernetes_yaml
from pipelines.schemas import BY_NAME

if TYPE_CHECKING:
    from pipelines.parsers.result import Parsed

ROOT = Path(os.environ.get("ENVOY_CORPUS_DIR", Path(__file__).parents[3] / "shared" / "envoy-corpus"))


def corpora(*needed: str) -> list[Path]:
    """Every corpus that has all the files or folders `needed`, sorted by name; none where they are not there."""
    if not ROOT.is_dir():
        return []
    return sorted(path for path in ROOT.iterdir() if all((path / name).exists() for name in needed))


def lake_of(corpus: Path, uri: Path, logs: str = "logs-text") -> str:
    """A lake of the corpus's text logs and its cluster's objects; returns its address."""
    lake = Lake.open(str(uri), create=True)
    access_logs = [
        _rows("access_logs", parse_istio_text(_bytes(path), 0), path, "istio_text")
        for path in sorted((corpus / "input" / logs).rglob("*.log*"))
    ]
    kubernetes = corpus / "input" / "kubernetes"
    objects = [
        _rows("mesh_objects", parse_kubernetes_yaml((kubernetes / "objects.yaml").read_bytes(), 0), kubernetes),
        _rows("mesh_objects", parse_kubernetes_watch((kubernetes / "watch.jsonl").read_bytes(), 0), kubernetes),
    ]
    lake.append("ingest", {"access_logs": pa.concat_tables(access_logs), "mesh_objects": pa.concat_tables(objects)})
    return str(uri)


def _bytes(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _rows(table: str, parsed: Parsed, path: Path, form: str | None = None) -> pa.Table:
    assert parsed.rejected.num_rows == 0, parsed.rejected.slice(0, 3).to_pylist()
    rows = parsed.accepted.to_pylist()
    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    for row in rows:
        row |= {"source": str(path), "format": form}
        if table == "access_logs":
            row["date"] = row["start_time"].date()
        elif row["observed_at"] is None:
            row |= {"observed_at": modified, "observed_at_exact": False}
    return pa.Table.from_pylist(rows, schema=BY_NAME[table].schema)
