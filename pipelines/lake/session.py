"""A reading session: DuckDB over one snapshot of a lake, with the views of `sql/` made as they are asked for."""

from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING, Final, Self, TypeVar, cast

import duckdb
import pyarrow as pa

from pipelines.lake.errors import LakeError
from pipelines.lake.snapshot import Snapshot, read_snapshot
from pipelines.lake.storage import NOWHERE, open_storage
from pipelines.lake.views import create_lake_view, literal, quoted
from pipelines.schemas import BY_NAME
from pipelines.sql_files import SqlFile, all_views, in_order, sql_files, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType


#: Disk that one session may spill to.
SPILL_LIMIT: Final = "20GB"

_MISSING: Final = re.compile(r"(?:Table|Function|Macro) with name \"?(?P<name>\w+)\"? does not exist")

Result = TypeVar("Result")


class Session:
    """Views over one state of a lake. Make one with `open_session`; close it, or use it in a `with` statement.

    A session never sees what is committed after it was opened. It is for one thread.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        connection: duckdb.DuckDBPyConnection,
        spill: tempfile.TemporaryDirectory[str],
        files: Mapping[str, SqlFile],
    ) -> None:
        self.snapshot = snapshot
        self.connection = connection
        self._spill = spill
        self._files = files
        self._ready: set[str] = set()
        self._cache: dict[str, object] = {}
        self._added: dict[str, pa.Table] = {}

    def add(self, table: str, rows: pa.Table) -> None:
        """Let this session see `rows` of a lake table beside those of the lake; nothing is written.

        Raises:
            LakeError: the table has been read before.
        """
        if table in self._ready:
            raise LakeError(f"{table} has been read: rows are added before that")
        self._added[table] = pa.concat_tables([self._added[table], rows]) if table in self._added else rows

    def require(self, *names: str) -> None:
        """Create the named views, tables and macros, and all they read, unless they are there already.

        A relation of that name made by hand in the connection counts as there.

        Raises:
            SqlFileError: a name is neither a lake table nor a SQL file.
            LakeError: a statement fails.
        """
        for name in in_order(names, self._files, known=self._exists):
            self._create(name)
            self._ready.add(name)

    def query(self, name: str, **params: object) -> pa.Table:
        """The result of a query or check, or all rows of a view, table or lake table.

        Parameters are bound by name; those of a view are none.

        Raises:
            SqlFileError: there is nothing of that name.
            LakeError: parameters are missing or unknown, or the statement fails.
        """
        return self.relation(name, **params).to_arrow_table()

    def relation(self, name: str, **params: object) -> duckdb.DuckDBPyRelation:
        """`query` as a DuckDB relation that has not run yet, for results too large to hold."""
        file = None if name in BY_NAME or self._exists(name) else statement(name, self._files)
        declared: Mapping[str, str] = {} if file is None else file.params
        if set(params) != set(declared):
            raise LakeError(f"{name} takes {_listed(declared)}, and was given {_listed(params)}")
        if file is None or file.kind in {"view", "table"}:
            self.require(name)
            return self.connection.sql(f"SELECT * FROM {quoted(name)}")
        self.require(*file.reads)
        values = {key: _bound(value, declared[key]) for key, value in params.items()}
        try:
            return self.connection.sql(file.text, params=values)
        except duckdb.Error as error:
            raise LakeError(f"{file.path}: {error}") from error

    def attempt(self, run: Callable[[], Result]) -> Result:
        """What `run` returns; views and macros that its statement lacks are made, and it is run again.

        For statements of the user's own, which do not say what they read. DuckDB names what is missing before it
        executes anything, so nothing is done twice.
        """
        while True:
            try:
                return run()
            except duckdb.CatalogException as error:
                found = _MISSING.search(str(error))
                name = found["name"] if found else ""
                if name in self._ready or (name not in BY_NAME and not self._makes(name)):
                    raise
                self.require(name)

    def cached(self, name: str, make: Callable[[], Result]) -> Result:
        """What `make` returns, made once for this session: the state it reads never changes."""
        if name not in self._cache:
            self._cache[name] = make()
        return cast("Result", self._cache[name])

    def relations(self) -> pa.Table:
        """Everything that can be queried: name, kind (lake, view, table) and purpose."""
        files = [self._files[name] for name in all_views(self._files)]
        views = [(file.name, file.kind, file.purpose.partition(". ")[0].rstrip(".")) for file in files]
        lake = [(name, "lake", f"{self.rows(name)} rows") for name in BY_NAME]
        names, kinds, purposes = zip(*lake, *views, strict=True)
        return pa.table({"name": names, "kind": kinds, "purpose": purposes})

    def rows(self, table: str) -> int:
        """How many rows a lake table has, from the table's log, and those added; no file is opened."""
        added = self._added[table].num_rows if table in self._added else 0
        return sum(file.rows for file in self.snapshot.files(table)) + added

    def close(self) -> None:
        """Free the memory and the disk that the session took."""
        self.connection.close()
        self._spill.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _makes(self, name: str) -> bool:
        return name in self._files and self._files[name].kind in {"view", "table", "macro"}

    def _exists(self, name: str) -> bool:
        if name in self._ready:
            return True
        found = self.connection.execute(
            "SELECT 1 FROM information_schema.tables WHERE table_name = $name", {"name": name}
        )
        return bool(found.fetchall())

    def _create(self, name: str) -> None:
        if name in BY_NAME:
            try:
                create_lake_view(self.connection, self.snapshot, name, self._added.get(name))
            except duckdb.Error as error:
                raise LakeError(f"{self.snapshot.storage.uri}: table {name} cannot be read: {error}") from error
            return
        file = statement(name, self._files)
        wrapped = {
            "view": f"CREATE TEMP VIEW {quoted(name)} AS {file.text}",
            "table": f"CREATE TEMP TABLE {quoted(name)} AS {file.text}",
            "macro": file.text,
        }
        if file.kind not in wrapped:
            raise LakeError(f"{file.path} is a {file.kind}; run it with `query`, nothing can read it")
        try:
            self.connection.execute(wrapped[file.kind])
        except duckdb.Error as error:
            raise LakeError(f"{file.path}: {error}") from error


def open_session(
    lake_uri: str,
    memory_limit: str = "2GB",
    at_run: str | None = None,
    *,
    files: Mapping[str, SqlFile] | None = None,
    sealed: bool = True,
) -> Session:
    """Open the state that the latest run (or the run `at_run`) left.

    A sealed session reads files of the lake only, loads no extension and writes nowhere but to its spill folder;
    `meshlens sql` and the export, which serve the user's own statements and files, are not sealed.

    Raises:
        NoLakeError: there is no lake at `lake_uri`.
        NewerLakeError: the lake was written by a newer Meshlens.
        LakeError: there is no such run, or the address is wrong.
    """
    snapshot = read_snapshot(open_storage(lake_uri), at_run)
    return session_over(snapshot, memory_limit, files=files, sealed=sealed)


def session_without_lake(memory_limit: str = "2GB") -> Session:
    """A session over no lake: every table is empty but for what is added to it.

    Raises:
        LakeError: `memory_limit` is none.
    """
    return session_over(Snapshot(NOWHERE, None, {}), memory_limit)


def session_over(
    snapshot: Snapshot, memory_limit: str = "2GB", *, files: Mapping[str, SqlFile] | None = None, sealed: bool = True
) -> Session:
    """`open_session` for a snapshot in hand."""
    storage = snapshot.storage
    spill = tempfile.TemporaryDirectory(prefix="meshlens-")
    connection = duckdb.connect()
    settings = {
        "TimeZone": literal("UTC"),
        "memory_limit": literal(memory_limit),
        "temp_directory": literal(spill.name),
        "max_temp_directory_size": literal(SPILL_LIMIT),
        "parquet_metadata_cache": "true",
        "autoinstall_known_extensions": "false",
        "python_enable_replacements": "false",  # or a missing view would silently be some Python variable
    }
    if sealed:
        allowed = [storage.root] if storage.is_local else []
        settings["allowed_directories"] = f"[{', '.join(map(literal, allowed))}]"
        settings["enable_external_access"] = "false"
    try:
        for key, value in settings.items():
            connection.execute(f"SET {key} = {value}")
    except duckdb.Error as error:
        connection.close()
        spill.cleanup()
        raise LakeError(f"a session of {memory_limit} memory cannot be opened: {error}") from error
    return Session(snapshot, connection, spill, sql_files() if files is None else files)


def _bound(value: object, kind: str) -> object:
    # An empty list or a null has no type of its own; DuckDB then takes the one its place in the statement asks for.
    return value if value is None else duckdb.Value(value, duckdb.sqltype(kind))


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(f"${name}" for name in sorted(names)) or "no parameters"
