"""What a worker does with one bundle: read, parse, write Parquet, keep small aggregates. No Beam in here.

Everything it leaves behind is named after the batch and the bundle, so that a bundle that is run twice writes the same
files twice.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.inputs.bundles import LiveQuery
from pipelines.inputs.checkpoints import Checkpoint
from pipelines.inputs.errors import InputError
from pipelines.inputs.formats import FORMATS, parse
from pipelines.inputs.opening import is_plain
from pipelines.inputs.ranges import Range, RangeEnd, read_range
from pipelines.inputs.records import Chunk
from pipelines.lake.errors import LakeError
from pipelines.lake.writer import DataFile, write_part
from pipelines.parsers.merged_rows import stacked
from pipelines.parsers.result import Parsed, accepted_schema
from pipelines.schemas import ACCESS_LOGS, EDGES_1M, REJECTS
from pipelines.sources.prometheus_live import read_live
from pipelines.transforms.rollup import merge, roll_up, table_bytes
from pipelines.transforms.rows import reject_rows, table_rows, unreadable_rejects, with_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipelines.inputs.bundles import Bundle, Work

#: Arrow bytes of one table held before they are written.
_FLUSH_BYTES: Final = 96 << 20
#: Rollups below this size go on to be merged. Memory must not grow with the input, and they cross a shuffle.
_SMALL_ROLLUP_BYTES: Final = 1 << 20
_HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What every worker must know of its batch.

    `shards`: into how many parts rollups of one hour are divided; `cluster`: what all records are of.
    """

    lake_uri: str
    batch_id: str
    shards: int = 1
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class WorkEnd:
    """One range or query read to its end: where it stands now and how many records it had."""

    checkpoint: Checkpoint
    read: int
    accepted: int
    rejected: int
    bytes: int
    note: str | None = None
    others: int = 0


@dataclass(slots=True)
class Manifest:
    """What a bundle left behind: files by table, the end of each piece of work, or why it failed.

    `calls` is how many calls the rollups in `files` count; of a failure that no input caused `failed_path` is null.
    """

    index: int
    calls: int = 0
    files: dict[str, list[DataFile]] = field(default_factory=dict)
    ends: list[WorkEnd] = field(default_factory=list)
    failure: str | None = None
    failed_path: str | None = None

    def to_json(self) -> bytes:
        """The manifest as JSON."""
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_json(data: bytes) -> Manifest:
        """The manifest that `to_json` gave."""
        value = json.loads(data)
        files = {table: [DataFile(**file) for file in files] for table, files in value.pop("files").items()}
        ends = [WorkEnd(checkpoint=Checkpoint(**end.pop("checkpoint")), **end) for end in value.pop("ends")]
        return Manifest(files=files, ends=ends, **value)


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of input, records and rejects since the last report."""

    bytes: int
    read: int
    rejected: int


#: Rollups of one hour (hours since 1970) and shard that are to be merged: the key, and `table_bytes` of them.
Rollups = list[tuple[tuple[int, int], bytes]]


def work_off(
    bundle: Bundle, context: BatchContext, report: Callable[[Progress], None] = lambda _: None
) -> tuple[Manifest, Rollups]:
    """Read a whole bundle.

    An input that cannot be used, or a disk that is full, ends it early: the manifest then says which and why.
    """
    output = _Output(context, bundle.index)
    manifest = Manifest(bundle.index)
    path: str | None = None
    try:
        for work in bundle.work:
            path = work.path
            manifest.ends.append(_read(work, output, report))
        rollups = output.finish(manifest)
    except (InputError, LakeError) as error:
        is_input = isinstance(error, InputError)
        return Manifest(bundle.index, failure=str(error), failed_path=path if is_input else None), []
    return manifest, rollups


def _read(work: Work, output: _Output, report: Callable[[Progress], None]) -> WorkEnd:
    read = accepted = rejected = others = size = 0
    end: RangeEnd | None = None
    by_chunk = isinstance(work, Range) and is_plain(work.compression)
    for piece in read_live(work) if isinstance(work, LiveQuery) else read_range(work):
        if isinstance(piece, RangeEnd):
            end = piece
            continue
        if isinstance(piece, Chunk):
            results: Iterable[Parsed] = parse(work.format, piece.data, piece.offset, work.context)
            length = len(piece.data)
        else:
            empty = FORMATS[work.format].fields
            results = [Parsed(accepted_schema(empty).empty_table(), unreadable_rejects(piece), 1)]
            length = piece.length
        for parsed in results:
            read += parsed.read
            accepted += parsed.accepted.num_rows
            rejected += parsed.rejected.num_rows
            others += parsed.others
            output.add(work, parsed)
            report(Progress(0, parsed.read, parsed.rejected.num_rows))
        size += length
        if by_chunk:
            report(Progress(length, 0, 0))
    if not by_chunk:  # sizes on disk are what progress is measured by
        report(Progress(work.weight, 0, 0))
    if end is None:
        raise RuntimeError(f"{work.path}: reading ended without an end")
    return WorkEnd(end.checkpoint, read, accepted, rejected, size, end.note, others)


class _Output:
    """Rows of one bundle on their way to Parquet files and rollups."""

    def __init__(self, context: BatchContext, index: int) -> None:
        self._context = context
        self._index = index
        self._parts = 0
        self._held: dict[str, list[pa.Table]] = {}
        self._files: dict[str, list[DataFile]] = {}
        self._rolled: dict[int, list[pa.Table]] = {}

    def add(self, work: Work, parsed: Parsed) -> None:
        """Take rows over, write what has grown large."""
        table = FORMATS[work.format].table.name
        pod = (work.namespace, work.pod)
        rows = table_rows(parsed.accepted, work.format, work.path, pod, work.modified_us)
        rows = with_cluster(rows, table, self._context.cluster)
        self._hold(table, rows)
        self._hold(REJECTS.name, reject_rows(parsed.rejected, work.format, work.path, self._context.batch_id))
        if table == ACCESS_LOGS.name and rows.num_rows:
            shard = zlib.crc32(work.path.encode()) % self._context.shards
            self._rolled.setdefault(shard, []).append(roll_up(rows))

    def finish(self, manifest: Manifest) -> Rollups:
        """Write the rest, list every file in the manifest; returns the rollups that are left to merge."""
        found: Rollups = []
        for key, rollup in self._rollups():
            data = table_bytes(rollup)
            if len(data) < _SMALL_ROLLUP_BYTES:
                found.append((key, data))
            else:
                # So many different callers and callees that merging with other bundles would hardly shrink it.
                self._write(EDGES_1M.name, rollup)
                manifest.calls += pc.sum(rollup["calls"]).as_py()
        for table in list(self._held):
            self._write(table, stacked(self._held.pop(table)))
        manifest.files = self._files
        return found

    def _rollups(self) -> Iterator[tuple[tuple[int, int], pa.Table]]:
        for shard, parts in self._rolled.items():
            merged = merge(pa.concat_tables(parts)) if len(parts) > 1 else parts[0]
            hours = merged["minute"].cast(pa.int64()).to_numpy() // _HOUR_US
            distinct = np.unique(hours)
            for hour in distinct:
                rows = merged if len(distinct) == 1 else merged.filter(pa.array(hours == hour))
                yield (int(hour), shard), rows

    def _hold(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows:
            held = self._held.setdefault(table, [])
            held.append(rows)
            if sum(part.nbytes for part in held) > _FLUSH_BYTES:
                self._write(table, stacked(self._held.pop(table)))

    def _write(self, table: str, rows: pa.Table) -> None:
        name = f"{self._context.batch_id}-{self._index:05d}-{self._parts:03d}"
        self._parts += 1
        self._files.setdefault(table, []).extend(write_part(self._context.lake_uri, table, name, rows))
