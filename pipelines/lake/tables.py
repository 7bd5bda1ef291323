"""The Delta tables of a lake: creating, opening, listing files, committing once.

Every commit carries an application transaction named after its batch; a table that already has it is left alone.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from pipelines.lake.errors import LakeError, NewerLakeError
from pipelines.lake.writer import DataFile
from pipelines.schemas import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.columns import Table
    from pipelines.lake.storage import Storage

#: The key of a table's schema version in its Delta configuration. A table without it is of version 0.
VERSION_KEY: Final = "meshlens.schemaVersion"

_CONFIGURATION: Final = {
    VERSION_KEY: str(VERSION),
    # A checkpoint every 50 commits keeps opening a table at a few milliseconds. Old log entries are dropped by
    # maintenance only: a commit that did so could take away the version that the latest run names.
    "delta.checkpointInterval": "50",
    "delta.logRetentionDuration": "interval 2 days",
    "delta.enableExpiredLogCleanup": "false",
    "delta.setTransactionRetentionDuration": "interval 7 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}


def create_table(storage: Storage, table: Table) -> None:
    """Create an empty table; nothing where it exists."""
    DeltaTable.create(
        storage.table_uri(table.name),
        schema=table.schema,
        mode="ignore",
        partition_by=list(table.partition_by),
        name=table.name,
        configuration=_CONFIGURATION,
        raise_if_key_not_exists=False,
    )


def open_table(storage: Storage, name: str, version: int | None = None) -> DeltaTable | None:
    """A table at a version (default: the latest); None where it does not exist.

    Raises:
        NewerLakeError: a newer Meshlens wrote the table.
        LakeError: the version is gone.
    """
    try:
        delta = DeltaTable(storage.table_uri(name), version=version)
    except DeltaError as error:
        if version is None and isinstance(error, TableNotFoundError):
            return None
        at = "" if version is None else f" at version {version}; maintenance keeps versions for 2 days"
        raise LakeError(f"{storage.uri}: table {name} cannot be opened{at} ({error})") from error
    refuse_newer(storage, name, schema_version(delta))
    return delta


def schema_version(delta: DeltaTable) -> int:
    """The schema version that a table was last migrated to; 0 where it says none."""
    return int(delta.metadata().configuration.get(VERSION_KEY, "0"))


def refuse_newer(storage: Storage, name: str, version: int) -> None:
    """Raise NewerLakeError where a table's schema version is beyond ours."""
    if version > VERSION:
        raise NewerLakeError(
            f"{storage.uri}: table {name} has schema version {version}, this Meshlens knows versions up to {VERSION}; "
            "upgrade Meshlens (`pip install --upgrade meshlens`) or choose another lake with --lake"
        )


def data_files(delta: DeltaTable) -> tuple[DataFile, ...]:
    """The files of a table at its version, sorted by path."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    if actions.num_rows and actions.column("num_records").null_count:
        raise LakeError(
            f"{delta.table_uri}: a file has no row count, so another program wrote it; remove it with that one"
        )
    partitions = [name for name in actions.column_names if name.startswith("partition.")]
    wanted = actions.select(["path", "size_bytes", "num_records", "modification_time", *partitions]).sort_by("path")
    return tuple(
        DataFile(
            path=row["path"],
            size=row["size_bytes"],
            rows=row["num_records"],
            partition_values={name.removeprefix("partition."): str(row[name]) for name in partitions},
            stats=json.dumps({"numRecords": row["num_records"]}),
            modified_ms=row["modification_time"],
        )
        for row in wanted.to_pylist()
    )


def application_id(batch_id: str) -> str:
    """The name of a batch's application transaction."""
    return f"meshlens/batch/{batch_id}"


def is_committed(delta: DeltaTable, application: str) -> bool:
    """Whether a table, as opened, has this application transaction."""
    return delta.transaction_version(application) is not None


def commit_once(
    delta: DeltaTable,
    table: Table,
    application: str,
    add: Sequence[DataFile],
    remove: Sequence[DataFile] = (),
    metadata: Mapping[str, str] | None = None,
) -> bool:
    """Commit files to a table unless it has the application transaction already; returns whether it did it now.

    `delta` is brought up to date. Files that replace others (`remove`) hold the same rows: compaction.
    """
    delta.update_incremental()
    if is_committed(delta, application):
        return False
    transaction = Transaction(application, 1, last_updated=_now_ms())
    actions: list[AddAction | RemoveAction] = [_add(file, data_change=not remove) for file in add]
    actions += [_remove(file) for file in remove]
    try:
        delta.create_write_transaction(
            actions,
            mode="append",
            schema=delta.schema(),
            partition_by=list(table.partition_by),
            commit_properties=CommitProperties(
                custom_metadata=dict(metadata or {}), app_transactions=[transaction], max_commit_retries=15
            ),
        )
    except DeltaError as error:
        # Another process may have finished this very batch meanwhile (its transaction then conflicts with ours).
        delta.update_incremental()
        if is_committed(delta, application):
            return False
        raise LakeError(
            f"{delta.table_uri}: could not be committed to ({error}); the batch is written down and the next command "
            "that writes to the lake finishes it"
        ) from error
    delta.update_incremental()
    return True


def _add(file: DataFile, *, data_change: bool) -> AddAction:
    values: dict[str, str | None] = dict(file.partition_values)
    return AddAction(file.path, file.size, values, file.modified_ms, data_change, file.stats)


def _remove(file: DataFile) -> RemoveAction:
    values: dict[str, str | None] = dict(file.partition_values)
    return RemoveAction(
        file.path, data_change=False, deletion_timestamp=_now_ms(), size=file.size, partition_values=values
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
