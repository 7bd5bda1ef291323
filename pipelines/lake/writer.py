"""Writing Parquet into a lake's tables. What is written here is not part of the lake until a batch commits it.

Names are made of the batch and the work unit, so that a unit that runs twice writes the same file twice.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.lake.errors import LakeError
from pipelines.lake.parquet import write_parquet
from pipelines.lake.storage import Storage, open_storage
from pipelines.schemas import BY_NAME, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelines.columns import Table

_PART_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,180}")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file: path relative to its table, size in bytes, rows, partition values, Delta's statistics (JSON)."""

    path: str
    size: int
    rows: int
    partition_values: Mapping[str, str]
    stats: str
    modified_ms: int

    def to_json(self) -> dict[str, object]:
        """The value as JSON can hold it."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, object]) -> DataFile:
        """The value that `to_json` gave."""
        return DataFile(**value)  # type: ignore[arg-type]  # JSON we wrote ourselves; a wrong key fails here


def write_part(lake_uri: str, table: str, part_name: str, data: pa.Table) -> list[DataFile]:
    """Write rows of one table, one file a partition; no rows, no file.

    `data` has the table's columns (`pipelines/schemas.py`) in any order. A nullable column may be missing; so may
    `date`, which is then the UTC date of the table's first timestamp column.

    Raises:
        LakeError: unknown table or column, a required value that is null, or a value that does not fit its type.
    """
    storage = open_storage(lake_uri)
    definition = table_called(table)
    if not _PART_NAME.fullmatch(part_name):
        raise LakeError(f"{part_name!r} is no part name: letters, digits, `.`, `_` and `-`, at most 180")
    return [
        write_file(storage, definition, values, f"{part_name}.v{VERSION}.parquet", [rows])
        for values, rows in _partitions(definition, conform(definition, data))
    ]


def table_called(name: str) -> Table:
    """The lake table of this name. Raises LakeError where there is none."""
    if name not in BY_NAME:
        raise LakeError(f"the lake has no table {name}; it has {', '.join(BY_NAME)}")
    return BY_NAME[name]


def stored_schema(table: Table) -> pa.Schema:
    """The columns that files of a table hold: all but the partition columns, which are in the path."""
    return pa.schema([field for field in table.schema if field.name not in table.partition_by])


def conform(table: Table, data: pa.Table) -> pa.Table:
    """`data` with exactly the table's columns, order and types; text may have a dictionary.

    Raises:
        LakeError: see `write_part`.
    """
    unknown = sorted(set(data.column_names) - set(table.columns))
    if unknown:
        raise LakeError(f"{table.name} has no column {', '.join(unknown)}; its columns are in pipelines/schemas.py")
    columns: list[pa.ChunkedArray] = []
    for field in table.schema:
        if field.name in data.column_names:
            column = data.column(field.name)
        elif field.name == "date" and field.name in table.partition_by:
            column = pc.cast(data.column(_first_time(table)), pa.date32())
        else:
            if not field.nullable and data.num_rows:
                raise LakeError(f"{table.name}.{field.name} is missing and may not be null")
            column = pa.chunked_array([pa.nulls(data.num_rows, field.type)])
        if not field.nullable and column.null_count:
            raise LakeError(f"{table.name}.{field.name} is null in {column.null_count} of {data.num_rows} rows")
        try:
            columns.append(column if _holds(column.type, field.type) else column.cast(field.type))
        except pa.ArrowException as error:
            raise LakeError(f"{table.name}.{field.name} is {column.type}, not {field.type}: {error}") from error
    fields = [field.with_type(column.type) for field, column in zip(table.schema, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields)).unify_dictionaries()


def _holds(given: pa.DataType, wanted: pa.DataType) -> bool:
    return bool(given == wanted or (pa.types.is_dictionary(given) and given.value_type == wanted))


def write_file(
    storage: Storage, table: Table, values: Mapping[str, str], file_name: str, rows: Iterable[pa.Table]
) -> DataFile:
    """Write one Parquet file into a partition from tables that `conform` gave, taken one after the other."""
    schema = stored_schema(table)
    path = "".join(f"{column}={values[column]}/" for column in table.partition_by) + file_name

    def fill(sink: pa.NativeFile) -> None:
        write_parquet(sink, (part.select(schema.names) for part in rows), schema)

    storage.write_with(f"{table.name}/{path}", fill)
    with storage.filesystem.open_input_file(storage.full(f"{table.name}/{path}")) as file:
        size = int(file.size())
        metadata = pq.read_metadata(file)
    stats = _statistics(metadata, schema)
    return DataFile(path, size, metadata.num_rows, dict(values), stats, time.time_ns() // 1_000_000)


def _first_time(table: Table) -> str:
    return next(str(field.name) for field in table.schema if pa.types.is_timestamp(field.type))


def _partitions(table: Table, data: pa.Table) -> list[tuple[dict[str, str], pa.Table]]:
    if not data.num_rows:
        return []
    if not table.partition_by:
        return [({}, data)]
    (column,) = table.partition_by
    values = pc.unique(data.column(column)).sort()
    if len(values) == 1:
        return [({column: str(values[0])}, data)]
    return [({column: str(value)}, data.filter(pc.equal(data.column(column), value))) for value in values]


def _statistics(metadata: pq.FileMetaData, schema: pa.Schema) -> str:
    """Delta's statistics: the number of rows and, of each timestamp column, minimum, maximum and nulls."""
    statistics: dict[str, object] = {"numRecords": metadata.num_rows}
    minimum: dict[str, str] = {}
    maximum: dict[str, str] = {}
    nulls: dict[str, int] = {}
    times = {field.name for field in schema if pa.types.is_timestamp(field.type)}
    for position in range(metadata.num_columns if times else 0):
        name = metadata.schema.column(position).path
        if name not in times:
            continue
        groups = [metadata.row_group(group).column(position).statistics for group in range(metadata.num_row_groups)]
        nulls[name] = sum(group.null_count for group in groups)
        try:
            bounds = [(group.min, group.max) for group in groups if group.has_min_max]
        except (OverflowError, ValueError):
            continue  # a year that Python's datetime cannot hold: no bounds, so readers skip nothing
        if bounds:
            minimum[name] = min(low for low, _ in bounds).isoformat(timespec="microseconds")
            maximum[name] = max(high for _, high in bounds).isoformat(timespec="microseconds")
    statistics |= {"minValues": minimum, "maxValues": maximum, "nullCount": nulls}
    return json.dumps(statistics)
