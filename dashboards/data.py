"""Reads of the lake, cached for the run they belong to: a new run shows at once, nothing is read twice.

The newest run is looked for at most once a second, by reading the log of `runs`, not its rows. Queries run in one
session for each run; at most two sessions are kept, so that readers of the run before finish undisturbed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import streamlit as st

from dashboards.lake_address import lake_uri
from pipelines.lake.errors import LakeError
from pipelines.lake.session import Session, open_session
from pipelines.lake.snapshot import read_snapshot
from pipelines.lake.storage import open_storage
from pipelines.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from dashboards.models.rows import Row

#: Most rows that a page shows of anything; pages say where there are more.
ROW_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class LakeState:
    """The lake as a page sees it: `run_id` is null before the first run, `problem` says why it cannot be read."""

    uri: str
    run_id: str | None = None
    problem: str | None = None


@dataclass(slots=True)
class _Reader:
    """A session that several browser sessions share, one query at a time."""

    session: Session
    lock: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False

    def query(self, name: str, params: Mapping[str, object]) -> pa.Table | None:
        """The result, or nothing where the reader was closed meanwhile."""
        with self.lock:
            return None if self.closed else self.session.query(name, **params)

    def rows(self) -> dict[str, int]:
        with self.lock:
            return {} if self.closed else {table.name: self.session.rows(table.name) for table in TABLES}

    def close(self) -> None:
        with self.lock:
            self.closed = True
            self.session.close()


@st.cache_data(ttl=1, max_entries=4, show_spinner=False)
def _newest(uri: str) -> LakeState:
    try:
        return LakeState(uri, read_snapshot(open_storage(uri)).run_id)
    except LakeError as error:
        return LakeState(uri, problem=str(error))


def lake_state() -> LakeState:
    """The newest state of the lake, at most a second old."""
    return _newest(lake_uri())


@st.cache_resource(max_entries=2, show_spinner=False, on_release=lambda reader: reader.close())
def _reader(uri: str, run_id: str) -> _Reader:
    return _Reader(open_session(uri, at_run=run_id))


@st.cache_data(max_entries=512, show_spinner=False)
def _table(uri: str, run_id: str, name: str, params: Mapping[str, object]) -> pa.Table:
    while True:
        result = _reader(uri, run_id).query(name, params)
        if result is not None:
            return result


@st.cache_data(max_entries=8, show_spinner=False)
def _row_counts(uri: str, run_id: str) -> dict[str, int]:
    return _reader(uri, run_id).rows()


def table(name: str, **params: object) -> pa.Table:
    """The result of the query `name` over the newest run.

    Raises:
        LakeError: the lake cannot be read; pages are only drawn where it can.
    """
    now = lake_state()
    if now.run_id is None:
        raise LakeError(now.problem or f"{now.uri}: nothing was ingested yet")
    return _table(now.uri, now.run_id, name, params)


def rows(name: str, **params: object) -> list[Row]:
    """`table` as one dictionary a row, for the few rows that a page shows."""
    found: list[Row] = table(name, **params).to_pylist()
    return found


def row_counts() -> dict[str, int]:
    """Rows of every table of the lake, from the tables' logs."""
    now = lake_state()
    return {} if now.run_id is None else _row_counts(now.uri, now.run_id)
