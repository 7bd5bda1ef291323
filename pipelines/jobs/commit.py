"""The driver's end of a batch: check that every record is accounted for, then make it part of the lake."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.columns import TIMESTAMP
from pipelines.inputs.checkpoints import Checkpoint, Checkpoints
from pipelines.inputs.errors import ChangedError
from pipelines.inputs.formats import FORMATS, PROMETHEUS_LIVE
from pipelines.jobs.overlap import find_copies
from pipelines.jobs.report import FileReport
from pipelines.lake.batches import Counts
from pipelines.lake.errors import LakeError
from pipelines.parsers.mesh_layouts import layouts_of
from pipelines.schemas import ACCESS_LOGS, EDGES_1M, REJECTS, SOURCES

if TYPE_CHECKING:
    from pipelines.inputs.options import InputOptions
    from pipelines.inputs.path_identity import PodRules
    from pipelines.jobs.overlap import Overlap
    from pipelines.jobs.pipeline import Outcome
    from pipelines.lake.batch import Batch
    from pipelines.lake.lake import Lake
    from pipelines.lake.writer import DataFile
    from pipelines.transforms.bundle_work import WorkEnd


class AccountingError(RuntimeError):
    """Records were lost or doubled on the way; nothing was committed. A fault of the program, never of the input."""


class FailedInputError(ChangedError):
    """An input could not be used, so that nothing of its batch was committed. `path` names it."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


def load_checkpoints(lake: Lake, rules: PodRules) -> tuple[Checkpoints, list[Checkpoint]]:
    """Where every input stands: files by content, and the stretches of live queries."""
    rows = lake.source_positions()
    times = rows["modified_at"].cast(pa.int64())
    rows = rows.set_column(rows.schema.get_field_index("modified_at"), "modified_us", times)
    names = [name for name in Checkpoint.__dataclass_fields__ if name in rows.column_names]
    found = [Checkpoint(**row) for row in rows.select(names).to_pylist()]
    live = [checkpoint for checkpoint in found if checkpoint.format == PROMETHEUS_LIVE]
    return Checkpoints((known for known in found if known.format != PROMETHEUS_LIVE), rules), live


def with_known_formats(lake: Lake, options: InputOptions) -> InputOptions:
    """The options, with the log formats that objects of the lake set."""
    known = (layout for value in lake.objects_with_log_formats() for layout in layouts_of(value.encode()))
    return replace(options, layouts=tuple(dict.fromkeys((*options.layouts, *known))))


@dataclass(frozen=True, slots=True)
class Committed:
    """What a batch added: counts by input, where its inputs stand now, and what other sources hold, too."""

    files: tuple[FileReport, ...] = ()
    ends: tuple[Checkpoint, ...] = ()
    overlaps: tuple[Overlap, ...] = ()


def commit_outcome(lake: Lake, batch: Batch, outcome: Outcome) -> Committed:
    """Commit what a batch's workers left behind, with the copies of what other sources hold marked.

    Where no input got any further (all there was is a record without its end) nothing is committed or returned.

    Raises:
        FailedInputError: an input could not be used.
        LakeError: the lake could not be written.
        AccountingError: records are not accounted for.
    """
    for manifest in outcome.manifests:
        if manifest.failure is not None and manifest.failed_path is None:
            raise LakeError(manifest.failure)
        if manifest.failure is not None:
            raise FailedInputError(manifest.failure, manifest.failed_path or "")
    ends = [end for manifest in outcome.manifests for end in manifest.ends]
    if not any(end.bytes or end.read for end in ends):
        return Committed()
    files: dict[str, list[DataFile]] = defaultdict(list)
    for manifest in outcome.manifests:
        for table, written in manifest.files.items():
            files[table] += written
    files[EDGES_1M.name] += outcome.rollup_files
    calls = outcome.rolled_up_calls + sum(manifest.calls for manifest in outcome.manifests)
    _account(ends, files, calls)
    per_source = _by_source(ends)
    counts = Counts(
        read=sum(end.read for end in ends),
        accepted=sum(end.accepted for end in ends),
        rejected=sum(end.rejected for end in ends),
        bytes=sum(end.bytes for end in ends),
        others=sum(end.others for end in ends),
    )
    sources = {end.checkpoint.source for end in per_source}
    copies = find_copies(lake, files, _minutes(files[EDGES_1M.name]), sources)
    batch.commit(files=files, counts=counts, tables={SOURCES.name: _source_rows(per_source), **copies.tables})
    reports = tuple(
        FileReport(
            end.checkpoint.source, end.checkpoint.format, end.read, end.accepted, end.rejected, end.bytes, end.others
        )
        for end in per_source
    )
    return Committed(reports, tuple(end.checkpoint for end in per_source), copies.overlaps)


def _minutes(rollups: list[DataFile]) -> tuple[datetime, datetime] | None:
    """The first and last minute that rollups count, from the statistics of their files; null where there are none."""
    bounds = [json.loads(file.stats) for file in rollups]
    if not bounds:
        return None
    first = min(datetime.fromisoformat(stats["minValues"]["minute"]) for stats in bounds)
    return first, max(datetime.fromisoformat(stats["maxValues"]["minute"]) for stats in bounds)


def _account(ends: list[WorkEnd], files: dict[str, list[DataFile]], calls: int) -> None:
    read = sum(end.read for end in ends)
    rejected = sum(end.rejected for end in ends)
    accepted: dict[str, int] = defaultdict(int)
    for end in ends:
        accepted[FORMATS[end.checkpoint.format].table.name] += end.accepted
    expected = {**accepted, REJECTS.name: rejected}
    written = {table: sum(file.rows for file in files.get(table, [])) for table in expected}
    lines = accepted.get(ACCESS_LOGS.name, 0)
    if read != sum(accepted.values()) + rejected or written != expected or calls != lines:
        raise AccountingError(
            f"{read} records read, {sum(accepted.values())} accepted, {rejected} rejected; rows expected {expected}, "
            f"written {written}; calls rolled up {calls} of {lines}. Nothing was added. Please report this"
        )


def _by_source(ends: list[WorkEnd]) -> list[WorkEnd]:
    """One end a source (a stretch, of a live query): the furthest, with the counts of all."""
    found: dict[tuple[str, int], WorkEnd] = {}
    for end in ends:
        checkpoint = end.checkpoint
        key = (checkpoint.source, checkpoint.head_length if checkpoint.format == PROMETHEUS_LIVE else 0)
        known = found.get(key)
        if known is None:
            found[key] = end
            continue
        furthest = max(known, end, key=lambda one: one.checkpoint.position)
        found[key] = replace(
            furthest,
            read=known.read + end.read,
            accepted=known.accepted + end.accepted,
            rejected=known.rejected + end.rejected,
            bytes=known.bytes + end.bytes,
            others=known.others + end.others,
        )
    return list(found.values())


def _source_rows(ends: list[WorkEnd]) -> pa.Table:
    now = datetime.now(UTC)
    rows = []
    for end in ends:
        row = {name: getattr(end.checkpoint, name, None) for name in Checkpoint.__dataclass_fields__}
        row["modified_at"] = row.pop("modified_us")
        counts = {"read": end.read, "accepted": end.accepted, "rejected": end.rejected, "other_lines": end.others}
        rows.append(row | counts | {"recorded_at": now})
    fields = [field for field in SOURCES.schema if field.name != "run_id"]
    arrays = [
        pa.array([row[field.name] for row in rows], pa.int64()).cast(TIMESTAMP)
        if field.name == "modified_at"
        else pa.array([row[field.name] for row in rows], field.type)
        for field in fields
    ]
    return pa.table(arrays, schema=pa.schema(fields))
