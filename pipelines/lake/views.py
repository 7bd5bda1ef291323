"""Lake tables as DuckDB views over the files of a snapshot.

A view that unites files by column name opens every file whenever it is used, so files of the present schema version
(told by their name) are read as they are and only files of other versions are united by name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.dataset as ds

from pipelines.columns import TIMESTAMP
from pipelines.schemas import BY_NAME, VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipelines.columns import Table
    from pipelines.lake.snapshot import Snapshot
    from pipelines.lake.storage import Storage
    from pipelines.lake.writer import DataFile

_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}
_FILE_VERSION: Final = re.compile(r"\.v(\d+)\.parquet$")


def create_lake_view(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, name: str, added: pa.Table | None = None
) -> None:
    """Create the view of a lake table; a table without files is an empty view with the table's columns and types.

    `added` are rows that the view has beside those of the files.
    """
    table = BY_NAME[name]
    files = snapshot.files(name)
    storage = snapshot.storage
    if files and not storage.is_local:
        connection.register(f"{name}_files", _dataset(storage, table, files))
        source = f"SELECT * FROM {name}_files"
    else:
        source = _local_source(storage, table, files)
    if added is not None:
        connection.register(f"{name}_added", added)
        source = f"SELECT * FROM ({source}) UNION ALL BY NAME SELECT * FROM {name}_added"
    columns = ", ".join(quoted(column) for column in table.columns)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS SELECT {columns} FROM ({source})")


def quoted(identifier: str) -> str:
    """An identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string in single quotes."""
    return "'" + text.replace("'", "''") + "'"


@cache
def column_types(table: str) -> dict[str, str]:
    """Column names of a lake table and their DuckDB types, in order."""
    return {field.name: _duckdb_type(field.type) for field in BY_NAME[table].schema}


def _duckdb_type(kind: pa.DataType) -> str:
    if pa.types.is_map(kind):
        return f"MAP({_duckdb_type(kind.key_type)}, {_duckdb_type(kind.item_type)})"
    if pa.types.is_list(kind):
        return f"{_duckdb_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"STRUCT({', '.join(f'{quoted(field.name)} {_duckdb_type(field.type)}' for field in kind)})"
    return _TYPES[kind]


def _local_source(storage: Storage, table: Table, files: Sequence[DataFile]) -> str:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        found = _FILE_VERSION.search(file.path)
        groups[found[1] if found else ""].append(storage.full(f"{table.name}/{file.path}"))
    present = groups.pop(str(VERSION), [])
    if present and not groups:
        return _read_parquet(table, present, by_name=False)
    typed = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in column_types(table.name).items())
    sources = [f"SELECT {typed} WHERE false"]
    sources += [_read_parquet(table, present, by_name=False)] if present else []
    sources += [_read_parquet(table, paths, by_name=version == "") for version, paths in sorted(groups.items())]
    return " UNION ALL BY NAME ".join(sources)


def _read_parquet(table: Table, paths: Sequence[str], *, by_name: bool) -> str:
    files = ", ".join(literal(path) for path in paths)
    types = column_types(table.name)
    partitions = ", ".join(f"{literal(column)}: {types[column]}" for column in table.partition_by)
    hive = f"true, hive_types = {{{partitions}}}" if partitions else "false"
    return f"SELECT * FROM read_parquet([{files}], union_by_name = {by_name}, hive_partitioning = {hive})"


def _dataset(storage: Storage, table: Table, files: Sequence[DataFile]) -> ds.Dataset:
    """Files in an object store, read through Arrow: no DuckDB extension and no second set of credentials."""
    partitioning = None
    if table.partition_by:
        fields = [table.schema.field(column) for column in table.partition_by]
        partitioning = ds.partitioning(pa.schema(fields), flavor="hive")
    return ds.dataset(
        [storage.full(f"{table.name}/{file.path}") for file in files],
        schema=table.schema,
        format="parquet",
        filesystem=storage.filesystem,
        partitioning=partitioning,
        partition_base_dir=storage.full(table.name),
    )
