"""The mesh from where its objects are: a lake, files, or text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers.mesh.kinds import CLUSTER_SCOPED
from analyzers.mesh.model import Mesh
from analyzers.mesh.objects import MeshObject, mapping, strings, text
from pipelines.parsers.kubernetes import parse_kubernetes_json, parse_kubernetes_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzers.mesh.settings import MeshSettings
    from pipelines.lake.session import Session


def mesh_of_session(session: Session, until: datetime | None = None) -> Mesh:
    """The mesh at the end of what was ingested, or as it was at `until`."""
    rows = session.query("mesh_objects_at", until=until)
    return Mesh.of(_of_row(row) for batch in rows.to_batches() for row in batch.to_pylist())


def mesh_of_text(content: str | bytes, source: str = "", cluster: str = "") -> Mesh:
    """The mesh of YAML documents or JSON; what is no object is left out."""
    return Mesh.of(objects_of_text(content, source, cluster))


def mesh_of_files(paths: Iterable[Path | str], settings: MeshSettings | None = None, cluster: str = "") -> Mesh:
    """The mesh of YAML and JSON files.

    Raises:
        OSError: a file cannot be read.
    """
    found = [item for path in paths for item in objects_of_text(Path(path).read_bytes(), str(path), cluster)]
    return Mesh.of(found, settings)


def objects_of_text(content: str | bytes, source: str = "", cluster: str = "") -> Iterator[MeshObject]:
    """The objects of YAML documents or JSON, in order."""
    data = content.encode() if isinstance(content, str) else content
    is_json = data.lstrip()[:1] in {b"{", b"["}
    parsed = parse_kubernetes_json(data, 0) if is_json else parse_kubernetes_yaml(data, 0)
    for row in parsed.accepted.to_pylist():
        yield _of_row({**row, "source": source, "cluster": row["cluster"] or cluster})


def _of_row(row: dict[str, Any]) -> MeshObject:
    document = mapping(json.loads(row["object_json"]))
    metadata = mapping(document.get("metadata"))
    kind = row["kind"]
    return MeshObject(
        kind=kind,
        namespace="" if kind in CLUSTER_SCOPED else row["namespace"] or "",
        name=row["name"],
        api_version=row["api_version"],
        cluster=row.get("cluster") or "",
        labels=strings(metadata.get("labels")),
        annotations=strings(metadata.get("annotations")),
        document=document,
        created_at=row["created_at"] or _time(text(metadata.get("creationTimestamp"))),
        source=row.get("source") or "",
        source_offset=row.get("source_offset") or 0,
    )


def _time(value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone(UTC) if value else None
    except ValueError:
        return None
