"""Lakes from a folder as a user has it: `config/` (YAML), `traffic/POD/*.log` (text or JSON), `metrics/*.json`.

The parts of several clusters are in `clusters/NAME/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.inputs.options import InputOptions
from pipelines.jobs.ingest import IngestOptions, run_ingest

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("config", "traffic", "metrics")


def lake_of(folder: Path, uri: Path) -> str:
    """A lake of everything in `folder`, through the main job; every record must be readable. Returns its address."""
    places = {"": folder} | {path.name: path for path in sorted(folder.glob("clusters/*"))}
    for cluster, place in places.items():
        parts = [str(place / part) for part in PARTS if (place / part).exists()]
        if parts:
            _ingest(parts, uri, cluster or None)
    return str(uri)


def _ingest(parts: list[str], uri: Path, cluster: str | None) -> None:
    report = run_ingest(parts, str(uri), IngestOptions(inputs=InputOptions(cluster=cluster)))
    assert report.files
    assert [file.source for file in report.files if file.rejected or not file.accepted] == []
    assert report.skipped == []
