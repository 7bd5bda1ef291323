"""Requests that came by two paths (a file and an exporter, two shippers, overlapping exports), found before a commit.

Workers write what they read; the driver then asks, of the minutes that a batch touched, whether more than one source
holds the same lines. Copies are listed in `duplicates`, and rows of negative counts take them out of the rollup, all of
it in the batch that brought them: readers never see a request twice, and no row of the input is dropped.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lake.session import session_over
from pipelines.schemas import DUPLICATES, EDGES_1M
from pipelines.transforms.rollup import merge, roll_up

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from pipelines.lake.lake import Lake
    from pipelines.lake.writer import DataFile

_MEMORY: Final = "384MB"
_BATCH_ROWS: Final = 122_880
_KEPT: Final = ("source", "source_offset", "kept_source", "kept_source_offset", "start_time")


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many records of `source` are records of `kept_source`, too; they count there."""

    source: str
    kept_source: str
    records: int


@dataclass(frozen=True, slots=True)
class Copies:
    """Rows of `DUPLICATES` (`run_id` left out) and of `EDGES_1M`, and the counts by pair of sources."""

    tables: Mapping[str, pa.Table]
    overlaps: tuple[Overlap, ...]


def find_copies(
    lake: Lake,
    files: Mapping[str, Sequence[DataFile]],
    minutes: tuple[datetime, datetime] | None,
    sources: Collection[str],
) -> Copies:
    """Copies among the lake's lines and those of a batch that is not committed yet.

    Args:
        lake: the lake the batch belongs to.
        files: what the batch's workers wrote, by table.
        minutes: the first and the last minute of the batch's rollups; null where it has none.
        sources: what the batch read.
    """
    if minutes is None:
        return Copies({}, ())
    since, until = minutes
    with session_over(lake.snapshot().with_files(files), _MEMORY) as session:
        shared = session.query("overlap_minutes", since=since, until=until)["minute"].to_pylist()
        if not shared:
            return Copies({}, ())
        found = session.relation(
            "duplicate_lines", since=shared[0], until=shared[-1], minutes=shared, new_sources=sorted(sources)
        )
        kept: list[pa.Table] = []
        rolled: list[pa.Table] = []
        for batch in found.to_arrow_reader(_BATCH_ROWS):
            lines = pa.table(batch)
            kept.append(lines.select(_KEPT))
            rolled.append(roll_up(lines))
    if not kept:
        return Copies({}, ())
    rows = pa.concat_tables(kept)
    return Copies({DUPLICATES.name: rows, EDGES_1M.name: _negative(merge(pa.concat_tables(rolled)))}, _overlaps(rows))


def _negative(rollup: pa.Table) -> pa.Table:
    for name in ("calls", "bytes_received", "bytes_sent", "duration_ms_sum"):
        position = rollup.schema.get_field_index(name)
        rollup = rollup.set_column(position, rollup.schema.field(position), pc.negate(rollup[name]))
    counts = rollup["latency_count"].combine_chunks()
    negated = pa.ListArray.from_arrays(counts.offsets, pc.negate(counts.values))
    position = rollup.schema.get_field_index("latency_count")
    return rollup.set_column(position, rollup.schema.field(position), negated)


def _overlaps(rows: pa.Table) -> tuple[Overlap, ...]:
    pairs = rows.group_by(["source", "kept_source"]).aggregate([([], "count_all")])
    counted: Counter[tuple[str, str]] = Counter()
    for row in pairs.to_pylist():
        counted[row["source"], row["kept_source"]] += row["count_all"]
    return tuple(Overlap(source, other, records) for (source, other), records in sorted(counted.items()))
