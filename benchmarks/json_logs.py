"""JSON access logs against the fastest readers of JSON lines there are, each from a file to typed columns in memory.

Ours also checks every value, makes nulls of `-`, and keeps what it cannot read; the peers only read. Times are
processor times of all threads.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import polars as pl  # pyright: ignore[reportMissingImports]  # a peer, installed to be compared with only
import pyarrow as pa
from chdb import session  # pyright: ignore[reportMissingImports]  # as above

from benchmarks.generated_logs import generate_logs
from benchmarks.result import Result, median_seconds
from pipelines.parsers.istio_json import parse_istio_json
from pipelines.parsers.text_fields import ISTIO_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

LINES: Final = 100_000
GOAL: Final = 1.5

_OTHER_NAMES: Final = {"duration_ms": "duration", "upstream_service_time_ms": "upstream_service_time"}
_KEYS: Final[dict[str, pa.DataType]] = {
    _OTHER_NAMES.get(str(field.name), str(field.name)): field.type for field in ISTIO_FIELDS
}


def benchmarks() -> list[Result]:
    """Ours against each of the three; the goal is for the fastest of them."""
    with tempfile.TemporaryDirectory(prefix="meshlens-bench-") as folder:
        path = Path(folder) / "access.json"
        path.write_bytes(generate_logs(LINES).json)
        return _compare(path)


def _compare(path: Path) -> list[Result]:
    clickhouse = session.Session()
    connection = duckdb.connect(config={"threads": 1})
    try:
        sides: dict[str, Callable[[], int]] = {
            "ours": lambda: _ours(path),
            "polars": lambda: _polars(path),
            "chdb": lambda: _chdb(clickhouse, path),
            "duckdb": lambda: _duckdb(connection, path),
        }
        said = {name: side() for name, side in sides.items()}
        if len(set(said.values())) != 1:
            raise RuntimeError(f"the sides read different rows, so that their speeds cannot be compared: {said}")
        seconds = median_seconds(sides)
    finally:
        clickhouse.close()
        connection.close()
    medians = {f"{name}_mb_per_second": path.stat().st_size / 1e6 / value for name, value in seconds.items()}
    best = min(value for name, value in seconds.items() if name != "ours")
    return [
        Result(
            "json_logs",
            "JSON access logs against the best of polars, chdb and DuckDB",
            best / seconds["ours"],
            GOAL,
            medians,
        )
    ]


def _ours(path: Path) -> int:
    table = parse_istio_json(path.read_bytes(), 0).accepted
    return _checksum(table["bytes_sent"])


def _polars(path: Path) -> int:
    kinds = {pa.int64(): pl.Int64, pa.int32(): pl.Int32}
    schema = {key: kinds.get(kind, pl.String) for key, kind in _KEYS.items()}
    # A number in a string is no number to polars.
    schema["upstream_service_time"] = pl.String
    frame = pl.read_ndjson(path, schema=schema)
    frame = frame.with_columns(
        pl.col("start_time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="us"),
        pl.col("upstream_service_time").cast(pl.Int64),
    )
    return _checksum(frame.to_arrow()["bytes_sent"])


def _chdb(clickhouse: session.Session, path: Path) -> int:
    kinds = {pa.int64(): "Nullable(Int64)", pa.int32(): "Nullable(Int32)", pa.string(): "Nullable(String)"}
    structure = ", ".join(f"{key} {kinds.get(kind, 'DateTime64(6)')}" for key, kind in _KEYS.items())
    table = clickhouse.query(
        f"select * from file('{path}', JSONEachRow, '{structure}')"
        " settings max_threads = 1, date_time_input_format = 'best_effort', input_format_null_as_default = 0",
        "ArrowTable",
    )
    return _checksum(table["bytes_sent"])


def _duckdb(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    kinds = {pa.int64(): "bigint", pa.int32(): "integer", pa.string(): "varchar"}
    columns: Any = {
        key: kinds.get(kind, "timestamp") for key, kind in _KEYS.items()
    }  # the stubs of two checkers disagree
    rows = connection.read_json(str(path), columns=columns, format="newline_delimited")
    table = rows.to_arrow_table()
    return _checksum(table["bytes_sent"])


def _checksum(column: pa.ChunkedArray) -> int:
    total: int = pa.compute.sum(column).as_py()
    return total + len(column)
