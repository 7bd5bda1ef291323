"""Joining small Parquet files: many short batches leave many files, and a reader opens every one.

Rows keep their order, partitions stay apart, and the new files replace the old in one commit, marked as no change of
data. Memory is bounded: one row group is held at a time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.lake.errors import LakeError
from pipelines.lake.parquet import ROW_GROUP_ROWS
from pipelines.lake.writer import conform, write_file
from pipelines.schemas import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipelines.columns import Table
    from pipelines.lake.storage import Storage
    from pipelines.lake.writer import DataFile

#: What compaction joins files toward.
TARGET_BYTES: Final = 128 * 1024 * 1024

#: How many files of alike many rows a gradual choice waits for: eight of one power of eight make one of the next.
GRADUAL_FILES: Final = 8

_ROW_GROUP_BYTES: Final = 128 * 1024 * 1024


def groups_to_join(
    files: Sequence[DataFile], target_bytes: int = TARGET_BYTES, *, gradual: bool = False
) -> list[tuple[DataFile, ...]]:
    """Which files to join: of one partition, in order of their names, to about `target_bytes` together.

    Files of at least half the target stay. A `gradual` choice takes only files of alike many rows, once there are
    `GRADUAL_FILES` of them, so that joining again and again rewrites a row once for each eightfold growth of its file.
    """
    partitions: defaultdict[tuple[tuple[str, str], ...], list[DataFile]] = defaultdict(list)
    for file in files:
        if file.size < target_bytes // 2:
            partitions[tuple(sorted(file.partition_values.items()))].append(file)
    groups: list[tuple[DataFile, ...]] = []
    for members in partitions.values():
        for chosen in _alike(members) if gradual else [members]:
            groups += _packed(sorted(chosen, key=lambda file: file.path.rpartition("/")[2]), target_bytes)
    return groups


def join_files(storage: Storage, table: Table, name: str, files: Sequence[DataFile]) -> DataFile:
    """Write the rows of `files`, which share a partition, to one new file.

    Raises:
        LakeError: the new file does not have the rows of the old ones together.
    """
    parts = (part for file in files for part in _rows(storage, table, file))
    joined = write_file(storage, table, files[0].partition_values, f"{name}.v{VERSION}.parquet", _regrouped(parts))
    expected = sum(file.rows for file in files)
    if joined.rows != expected:
        storage.delete(f"{table.name}/{joined.path}")
        raise LakeError(
            f"{storage.uri}: {table.name} has {expected} rows by its log but {joined.rows} in its files; "
            "nothing was changed. Compare the files with a backup"
        )
    return joined


def _alike(files: Sequence[DataFile]) -> list[list[DataFile]]:
    tiers: defaultdict[int, list[DataFile]] = defaultdict(list)
    for file in files:
        tiers[file.rows.bit_length() // 3].append(file)
    return [members for members in tiers.values() if len(members) >= GRADUAL_FILES]


def _packed(files: Sequence[DataFile], target_bytes: int) -> list[tuple[DataFile, ...]]:
    groups: list[list[DataFile]] = [[]]
    for file in files:
        if groups[-1] and sum(member.size for member in groups[-1]) + file.size > target_bytes:
            groups.append([])
        groups[-1].append(file)
    return [tuple(group) for group in groups if len(group) > 1]


def _rows(storage: Storage, table: Table, file: DataFile) -> Iterator[pa.Table]:
    with storage.filesystem.open_input_file(storage.full(f"{table.name}/{file.path}")) as source:
        parquet = pq.ParquetFile(source)
        for batch in parquet.iter_batches(batch_size=ROW_GROUP_ROWS // 4):
            yield conform(table, pa.Table.from_batches([batch]))


def _regrouped(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in pieces the size of a row group."""
    held: list[pa.Table] = []
    for part in parts:
        held.append(part)
        if sum(table.num_rows for table in held) >= ROW_GROUP_ROWS or _bytes(held) >= _ROW_GROUP_BYTES:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _bytes(tables: Sequence[pa.Table]) -> int:
    return sum(int(table.nbytes) for table in tables)
