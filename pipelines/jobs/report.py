"""What an ingest did: counts by file and format, what was skipped and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.inputs.found import Skipped
    from pipelines.inputs.plan import Unchanged
    from pipelines.jobs.overlap import Overlap


@dataclass(frozen=True, slots=True)
class FileReport:
    """Records of one input: `read` is always `accepted + rejected`; `bytes` are decompressed and new in this run.

    `others` are lines that are no records: a proxy's own log, an application's.
    """

    source: str
    format: str
    read: int
    accepted: int
    rejected: int
    bytes: int
    others: int = 0


@dataclass(slots=True)
class IngestReport:
    """The outcome of a run. `run_id` is None where there was nothing new to add.

    `overlaps`: records that another source holds, too, and that count there.
    """

    run_id: str | None = None
    files: list[FileReport] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unchanged: list[Unchanged] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def read(self) -> int:
        """Records read."""
        return sum(file.read for file in self.files)

    @property
    def accepted(self) -> int:
        """Records in the lake's tables."""
        return sum(file.accepted for file in self.files)

    @property
    def rejected(self) -> int:
        """Records in `rejects`."""
        return sum(file.rejected for file in self.files)

    @property
    def others(self) -> int:
        """Lines that are no records of their format."""
        return sum(file.others for file in self.files)

    @property
    def bytes(self) -> int:
        """Decompressed bytes read."""
        return sum(file.bytes for file in self.files)

    def by_format(self) -> dict[str, FileReport]:
        """Totals by format; `source` is the number of inputs."""
        totals: dict[str, FileReport] = {}
        for name in sorted({file.format for file in self.files}):
            files = [file for file in self.files if file.format == name]
            totals[name] = FileReport(
                str(len(files)),
                name,
                sum(file.read for file in files),
                sum(file.accepted for file in files),
                sum(file.rejected for file in files),
                sum(file.bytes for file in files),
                sum(file.others for file in files),
            )
        return totals

    def to_json(self) -> dict[str, object]:
        """The report as JSON can hold it."""
        formats = {
            name: {"files": int(total.source)} | {key: value for key, value in asdict(total).items() if key != "source"}
            for name, total in self.by_format().items()
        }
        for total in formats.values():
            total.pop("format")
        return {
            "run_id": self.run_id,
            "read": self.read,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "others": self.others,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "formats": formats,
            "files": [asdict(file) for file in self.files],
            "unchanged": [asdict(file) for file in self.unchanged],
            "skipped": [asdict(skip) for skip in self.skipped],
            "warnings": self.warnings,
            "notes": self.notes,
            "overlaps": [asdict(overlap) for overlap in self.overlaps],
        }
