"""Bringing tables of older schema versions to the present one.

Files are never rewritten: a migration changes a table's schema in Delta's log, and readers fill in null where a file
lacks a column. So a migration may add nullable columns only; anything else needs a new table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deltalake import Schema as DeltaSchema

from pipelines.lake.errors import LakeError
from pipelines.lake.tables import VERSION_KEY, schema_version
from pipelines.schemas import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from deltalake import DeltaTable, Field

    from pipelines.columns import Table


@dataclass(frozen=True, slots=True)
class Migration:
    """The step to one schema version. `apply` may be repeated: a process may die between it and the new version."""

    version: int
    description: str
    apply: Callable[[DeltaTable, Table], None]


def add_missing_columns(delta: DeltaTable, table: Table) -> None:
    """Add the columns that the table lacks.

    Raises:
        LakeError: a missing column may not be null, so that old files cannot be read.
    """
    present = {field.name for field in delta.schema().fields}
    missing = [field for field in table.schema if field.name not in present]
    required = [field.name for field in missing if not field.nullable]
    if required:
        raise LakeError(
            f"{delta.table_uri}: no migration can add {', '.join(required)}, which may not be null; "
            "ingest into a new lake"
        )
    if missing:
        fields: list[Field] = [
            field for field in DeltaSchema.from_arrow(table.schema).fields if field.name not in present
        ]
        delta.alter.add_columns(fields)


#: One a schema version, in order.
MIGRATIONS: Final[tuple[Migration, ...]] = (
    Migration(1, "tables get a version number, and the columns of version 1 that they lack", add_missing_columns),
    Migration(
        2, "columns of version 2: protocol facts, identity, histograms, clusters, foreign lines", add_missing_columns
    ),
)


def migrate(delta: DeltaTable, table: Table, migrations: tuple[Migration, ...] = MIGRATIONS) -> tuple[int, ...]:
    """Bring a table to the present version and return the versions gone through. Hold the commit lock."""
    before = schema_version(delta)
    done = tuple(migration for migration in migrations if before < migration.version <= VERSION)
    for migration in done:
        migration.apply(delta, table)
        delta.alter.set_table_properties({VERSION_KEY: str(migration.version)}, raise_if_not_exists=False)
        delta.update_incremental()
    return tuple(migration.version for migration in done)
