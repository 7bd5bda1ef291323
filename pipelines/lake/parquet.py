"""How rows become Parquet: which columns have dictionaries and statistics, decided by what the first rows hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Rows in a row group: the unit of DuckDB's parallelism and of its skipping by minimum and maximum.
ROW_GROUP_ROWS: Final = 122_880

#: Level 3 would take half as long again, for files that are 1 % smaller.
_COMPRESSION_LEVEL: Final = 1
_SAMPLE_ROWS: Final = 4096
_REPEATED: Final = 2
#: Text that readers skip row groups by; for most text the bounds of a group are those of all.
_BOUNDED_TEXTS: Final = frozenset({"source", "metric", "kind", "namespace", "name"})


def write_parquet(sink: pa.NativeFile, rows: Iterable[pa.Table], empty: pa.Schema) -> None:
    """Write tables of one schema one after the other; `empty` is the schema where there are none.

    Columns of text may have dictionaries, of which a file says nothing: it reads back as plain text.
    """
    parts = iter(rows)
    first = next(parts, None)
    first = empty.empty_table() if first is None else first
    # Arrow's documentation allows lists here.
    dictionaries: Any = [name for name in first.column_names if _repeats(first[name])]
    bounds: Any = [field.name for field in first.schema if _is_bounded(field)]
    with pq.ParquetWriter(
        sink,
        first.schema,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=dictionaries,
        write_statistics=bounds,
        store_schema=False,
    ) as writer:
        writer.write_table(first, row_group_size=ROW_GROUP_ROWS)
        for part in parts:
            writer.write_table(part, row_group_size=ROW_GROUP_ROWS)


def _repeats(column: pa.ChunkedArray) -> bool:
    """Whether a dictionary pays: the first values come twice or more often, on average."""
    if pa.types.is_dictionary(column.type):
        return True
    if pa.types.is_nested(column.type):
        return False
    sample = column.slice(0, _SAMPLE_ROWS)
    return bool(pc.count_distinct(sample).as_py() * _REPEATED <= len(sample))


def _is_bounded(field: pa.Field) -> bool:
    is_text = pa.types.is_string(field.type) or pa.types.is_dictionary(field.type) or pa.types.is_binary(field.type)
    return field.name in _BOUNDED_TEXTS if is_text else not pa.types.is_nested(field.type)
