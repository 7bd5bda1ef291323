"""Reconstructing calls from both sides' lines in DuckDB: cost per line as the lake grows."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.result import Result
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

SMALL_CALLS = 50_000
LARGE_CALLS = 500_000
RUNS = 5

_LINES = Path(__file__).with_name("calls_lines.sql")
_OBJECTS = Path(__file__).with_name("calls_objects.sql")


def benchmarks() -> Iterator[Result]:
    """Time per call on ten times the calls, against the time per call on the small lake: linear growth is 1."""
    with tempfile.TemporaryDirectory() as folder:
        lakes = {calls: _lake(Path(folder) / str(calls), calls) for calls in (SMALL_CALLS, LARGE_CALLS)}
        seconds: dict[int, list[float]] = {calls: [] for calls in lakes}
        for _ in range(RUNS):
            for calls, lake in lakes.items():
                seconds[calls].append(_reconstruct(lake, calls))
    medians = {calls: statistics.median(values) for calls, values in seconds.items()}
    ratio = (medians[LARGE_CALLS] / LARGE_CALLS) / (medians[SMALL_CALLS] / SMALL_CALLS)
    yield Result(
        name="calls_growth",
        compared=f"seconds per call at {LARGE_CALLS:,} calls against {SMALL_CALLS:,}",
        ratio=1 / ratio,
        goal=0.9,
        medians={f"{calls}_calls_seconds": value for calls, value in medians.items()},
    )


def _lake(path: Path, calls: int) -> str:
    """A lake with `calls` calls of 200 workloads, an outbound and an inbound line each."""
    import duckdb

    connection = duckdb.connect()
    lines = connection.sql(_LINES.read_text(encoding="utf-8"), params={"calls": calls}).to_arrow_table()
    objects = connection.sql(_OBJECTS.read_text(encoding="utf-8")).to_arrow_table()
    lake = Lake.open(str(path), create=True)
    lake.append(
        "ingest", {"access_logs": _typed(lines, "access_logs"), "mesh_objects": _typed(objects, "mesh_objects")}
    )
    return str(path)


def _typed(table: pa.Table, name: str) -> pa.Table:
    import pyarrow as pa

    from pipelines.schemas import BY_NAME

    schema = BY_NAME[name].schema
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _reconstruct(lake: str, calls: int) -> float:
    begun = time.perf_counter()
    with open_session(lake) as session:
        session.require("edges_from_logs")
        found = session.connection.execute("SELECT count(*) FROM calls").fetchone()
    if found is None or found[0] != calls:
        raise AssertionError(f"{found} calls were reconstructed of {calls}")
    return time.perf_counter() - begun
