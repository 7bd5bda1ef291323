"""Sessions whose `calls` were written by hand: what the checks of failures make of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.lake.session import Session, session_over
from pipelines.lake.snapshot import Snapshot
from pipelines.lake.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

START = datetime(2026, 1, 1, tzinfo=UTC)

HOST = "cart.shop.svc.cluster.local"

_DEFAULTS: Mapping[str, object] = {
    "caller_namespace": "shop",
    "caller": "web",
    "caller_pod": "web-1",
    "caller_kind": "workload",
    "callee": HOST,
    "callee_namespace": "shop",
    "callee_kind": "service",
    "callee_pod_namespace": "shop",
    "callee_pod": "cart-1",
    "callee_workload": "cart",
    "route_kind": "registry",
    "port": 80,
    "protocol": "http",
    "server_lines": 0,
    "reporter": "source",
    "source": "web-1.log",
    "is_error": False,
}


def call(second: float = 0, *, seconds: float = 0.005, **columns: object) -> dict[str, object]:
    """A call from web to cart that started `second` seconds after the start; server columns make it seen by both."""
    start_time = START + timedelta(seconds=second)
    row = {
        **_DEFAULTS,
        "start_time": start_time,
        "end_time": start_time + timedelta(seconds=seconds),
        "duration_ms": int(seconds * 1000),
        "request_id": f"request-{second}",
        "source_offset": int(second * 1000),
    }
    if any(name.startswith("server_") for name in columns):
        row |= {"reporter": "both", "server_lines": 1}
    return row | columns


def session_of(calls: Iterable[Mapping[str, object]], **tables: Iterable[Mapping[str, object]]) -> Session:
    """A session over an empty lake with these calls, and with rows of other relations by name."""
    session = empty_session()
    for name, rows in {"calls": calls, **tables}.items():
        given = pa.Table.from_pylist([dict(row) for row in rows], schema=shape_of(name))
        session.connection.register(f"given_{name}", given)
        session.connection.execute(f'CREATE TEMP TABLE "{name}" AS SELECT * FROM given_{name}')
    return session


def empty_session() -> Session:
    return session_over(Snapshot(open_storage("no-lake"), None, {}))


@cache
def shape_of(name: str) -> pa.Schema:
    with empty_session() as session:
        return session.query(name).schema
