"""Lakes from a folder as a user has it: `config/` (YAML), `traffic/POD/*.log` (text or JSON), `metrics/*.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.jobs.ingest import run_ingest

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("config", "traffic", "metrics")


def lake_of(folder: Path, uri: Path) -> str:
    """A lake of everything in `folder`, through the main job; every record must be readable. Returns its address."""
    report = run_ingest([str(folder / part) for part in PARTS if (folder / part).exists()], str(uri))
    assert report.files
    assert [file.source for file in report.files if file.rejected or not file.accepted] == []
    assert report.skipped == []
    return str(uri)
