"""From what parsers return to rows of lake tables: where they came from, who wrote them, when they were seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.columns import TIMESTAMP
from pipelines.inputs.formats import FORMATS
from pipelines.parsers.result import Reject, reject_table
from pipelines.schemas import ACCESS_LOGS, BY_NAME, MESH_OBJECTS, PROXY_STATE, REJECTS

if TYPE_CHECKING:
    from pipelines.inputs.records import Unreadable


def table_rows(
    accepted: pa.Table, format_name: str, source: str, pod: tuple[str | None, str | None], modified_us: int
) -> pa.Table:
    """Accepted records with the columns of their lake table (`date` is derived when they are written).

    Args:
        accepted: `source_offset` and the parser's fields.
        format_name: the format, which decides the table.
        source: where the records came from.
        pod: namespace and name of the pod the path speaks of; null where it does not.
        modified_us: the file's time of last change, for objects that do not say when they were seen.
    """
    table = FORMATS[format_name].table.name
    constants = {"source": source, "format": format_name}
    if table in (ACCESS_LOGS.name, PROXY_STATE.name):
        accepted = _with_path_identity(accepted, pod)
    elif table == MESH_OBJECTS.name:
        accepted = _with_file_time(accepted, modified_us)
    for name, value in constants.items():
        if name in BY_NAME[table].columns:
            accepted = accepted.append_column(name, _constant(value, accepted.num_rows))
    return accepted


def with_cluster(rows: pa.Table, table: str, cluster: str | None) -> pa.Table:
    """The name of the cluster in the rows of those tables that have it, unless a row says so itself."""
    if cluster is None or "cluster" not in BY_NAME[table].columns:
        return rows
    given = pa.repeat(pa.scalar(cluster, pa.string()), rows.num_rows)
    if "cluster" not in rows.column_names:
        return rows.append_column("cluster", given)
    position = rows.schema.get_field_index("cluster")
    return rows.set_column(position, rows.schema.field(position), pc.coalesce(rows["cluster"], given))


def reject_rows(rejected: pa.Table, format_name: str, source: str, run_id: str) -> pa.Table:
    """Rejects with the columns of the lake table."""
    for name, value in (("source", source), ("format", format_name), ("run_id", run_id)):
        rejected = rejected.append_column(name, pa.repeat(pa.scalar(value, pa.string()), rejected.num_rows))
    return rejected.select(REJECTS.columns)


def unreadable_rejects(record: Unreadable) -> pa.Table:
    """A record that no parser got to see, as `REJECT_FIELDS`; `raw_length` is its full length."""
    rejects = reject_table([Reject(record.offset, record.reason, record.head)])
    position = rejects.schema.get_field_index("raw_length")
    return rejects.set_column(position, rejects.schema.field(position), pa.array([record.length], pa.int64()))


def _constant(value: str, rows: int) -> pa.DictionaryArray:
    """One text in every row, held once."""
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([value]))


def _with_path_identity(records: pa.Table, pod: tuple[str | None, str | None]) -> pa.Table:
    """A record that names its pod is believed before the path; one that names none has the path's."""
    if pod[1] is None:
        return records
    is_unknown = pc.is_null(records["reporter_pod"])
    schema = records.schema
    for name, value in (("reporter_namespace", pod[0]), ("reporter_pod", pod[1])):
        position = schema.get_field_index(name)
        column = pc.if_else(is_unknown, pa.scalar(value, pa.string()), records[name])
        records = records.set_column(position, schema.field(position), column)
    return records


def _with_file_time(objects: pa.Table, modified_us: int) -> pa.Table:
    is_unknown = pc.is_null(objects["observed_at"])
    file_time = pa.scalar(modified_us, pa.int64()).cast(TIMESTAMP)
    observed = pc.if_else(is_unknown, file_time, objects["observed_at"])
    exact = pc.and_(objects["observed_at_exact"], pc.invert(is_unknown))
    schema = objects.schema
    for name, column in (("observed_at", observed), ("observed_at_exact", exact)):
        position = schema.get_field_index(name)
        objects = objects.set_column(position, schema.field(position), column)
    return objects
