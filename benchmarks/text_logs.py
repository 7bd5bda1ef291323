"""Text access logs against what else reads them, each from a file to typed columns in memory, on one thread.

Ours also checks every value, makes nulls of `-`, and keeps what it cannot read. CSV readers (a space between fields,
quotes around some) would merge two lines where a quote is missing, and fail where there is one too many: the log has
neither, or they could not be compared. Times are processor times, of GoAccess that of its process, which adds up
reports instead of making columns.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from chdb import session  # pyright: ignore[reportMissingImports]  # a peer, installed to be compared with only
from isal import igzip

from benchmarks.generated_logs import generate_logs
from benchmarks.parsers import by_re
from benchmarks.result import Result, median_seconds, median_wall_seconds
from pipelines.inputs.formats import Framing
from pipelines.inputs.opening import open_stream
from pipelines.inputs.records import Chunk, read_records
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.text_fields import ISTIO_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINES: Final = 60_000
#: The log again and again, for what is too fast to be measured otherwise.
REPEATS: Final = 4
GOALS: Final = {"chdb": 1.5, "duckdb": 3.0, "pandas": 10.0, "re": 15.0, "goaccess": 18.0}
_NAMES: Final = {
    "chdb": "chdb",
    "duckdb": "DuckDB CSV",
    "pandas": "pandas",
    "re": "re per line",
    "goaccess": "GoAccess",
}
THREADS_GOAL: Final = 1.8
GZIP_GOAL: Final = 0.4

_REQUEST: Final = ("method", "path", "protocol")
#: The columns of a line between spaces: those of the request are in quotes together.
_CSV: Final = [name for name in ISTIO_FIELDS.names if name not in _REQUEST]
_CSV.insert(1, "request")
_NUMBERS: Final = ("response_code", "bytes_received", "bytes_sent", "duration_ms")
#: How ClickHouse reads such a log the fastest: fields as in CSV, a space between them.
CLICKHOUSE_SETTINGS: Final = (
    "format_custom_escaping_rule = 'CSV', format_custom_field_delimiter = ' ', format_csv_delimiter = ' '"
)
_GOACCESS: Final = '[%dT%t.%^] "%m %U %H" %s %^ %^ %^ "%^" %^ %b %L %^ "%^" "%u" "%^" "%v" "%^" %^ %^ %^ %h:%^ %^ %^'


def benchmarks() -> Iterator[Result]:
    """Ours against each, two threads against one, and gzip against decompression alone."""
    with tempfile.TemporaryDirectory(prefix="meshlens-bench-") as folder:
        log = without_traps(generate_logs(LINES).text)
        path = Path(folder) / "access.log"
        path.write_bytes(log)
        yield from _against_others(path)
        yield _threads(log)
        yield _gzip(Path(folder), log * REPEATS)


def without_traps(log: bytes) -> bytes:
    """The log without lines that have quotes inside values, which no CSV reader survives."""
    return b"".join(line for line in log.splitlines(keepends=True) if line.count(b'"') == 14)


def _against_others(path: Path) -> Iterator[Result]:
    clickhouse = session.Session()
    connection = duckdb.connect(config={"threads": 1})
    try:
        sides: dict[str, Callable[[], pa.Table | pd.DataFrame | None]] = {
            "ours": lambda: _ours(path),
            "chdb": lambda: _chdb(clickhouse, path),
            "duckdb": lambda: _duckdb(connection, path),
            "pandas": lambda: _pandas(path),
            "re": lambda: _re(path),
        }
        said = {name: _checksum(side()) for name, side in sides.items()}
        if len(set(said.values())) != 1:
            raise RuntimeError(f"the sides read different rows, so that their speeds cannot be compared: {said}")
        if which("goaccess"):
            sides["goaccess"] = lambda: _goaccess(path)
        seconds = median_seconds(sides)
    finally:
        clickhouse.close()
        connection.close()
    speeds = {name: path.stat().st_size / 1e6 / value for name, value in seconds.items()}
    for name in sides:
        if name != "ours":
            yield Result(
                f"text_{name}",
                f"Istio text log against {_NAMES[name]}",
                seconds[name] / seconds["ours"],
                GOALS[name],
                {f"{side}_mb_per_second": speeds[side] for side in ("ours", name)},
            )


def _ours(path: Path) -> pa.Table:
    return parse_istio_text(path.read_bytes(), 0).accepted


def _checksum(rows: pa.Table | pd.DataFrame) -> int:
    """Of times, a number and all three parts of the request."""
    table = pa.Table.from_pandas(rows, preserve_index=False) if isinstance(rows, pd.DataFrame) else rows
    lengths = (pc.sum(pc.utf8_length(pc.fill_null(table[name].cast(pa.string()), "-"))).as_py() for name in _REQUEST)
    moments = pc.sum(table["start_time"].cast(pa.timestamp("us")).cast(pa.int64())).as_py()
    return int(pc.sum(table["bytes_sent"]).as_py() + moments % 1_000_003 + sum(lengths) + table.num_rows)


def _chdb(clickhouse: session.Session, path: Path) -> pa.Table:
    return clickhouse.query(
        f"select {clickhouse_columns()} from {clickhouse_file(path)} settings max_threads = 1, {CLICKHOUSE_SETTINGS}",
        "ArrowTable",
    )


def clickhouse_file(path: Path) -> str:
    """The log as a table."""
    structure = ", ".join(f"{name} {'Int64' if name in _NUMBERS else 'String'}" for name in _CSV)
    return f"file('{path}', 'CustomSeparated', '{structure}')"


def clickhouse_columns() -> str:
    """The log's columns in their types."""
    request = [f"splitByChar(' ', request)[{place}] as {name}" for place, name in enumerate(_REQUEST, 1)]
    time = "parseDateTime64BestEffort(substring(start_time, 2, 24), 6, 'UTC') as start_time"
    service = "toInt64OrNull(upstream_service_time_ms) as upstream_service_time_ms"
    rest = [name for name in _CSV[2:] if name != "upstream_service_time_ms"]
    return ", ".join([time, *request, service, *rest])


def _duckdb(connection: duckdb.DuckDBPyConnection, path: Path) -> pa.Table:
    kinds: Any = {name: "bigint" if name in _NUMBERS else "varchar" for name in _CSV}  # two checkers' stubs disagree
    rows = connection.read_csv(
        str(path), delimiter=" ", quotechar='"', escapechar='"', header=False, columns=kinds, auto_detect=False
    )
    request = [f"split_part(request, ' ', {place}) as {name}" for place, name in enumerate(_REQUEST, 1)]
    rest = [name for name in _CSV[2:] if name != "upstream_service_time_ms"]
    return rows.project(
        ", ".join(
            [
                "substring(start_time, 2, 23)::timestamp as start_time",
                *request,
                "try_cast(upstream_service_time_ms as bigint) as upstream_service_time_ms",
                *rest,
            ]
        )
    ).to_arrow_table()


def _pandas(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(
        path, sep=" ", header=None, names=_CSV, quotechar='"', keep_default_na=False, na_values={}, engine="c",
        dtype=dict.fromkeys(set(_CSV) - set(_NUMBERS), "str"),
    )  # fmt: skip
    request = frame["request"].str.split(" ", expand=True)
    moments = pd.to_datetime(frame["start_time"].str.slice(1, 24), format="%Y-%m-%dT%H:%M:%S.%f")
    service = pd.to_numeric(frame["upstream_service_time_ms"], errors="coerce").astype("Int64")
    columns = {name: request[place] for place, name in enumerate(_REQUEST)}
    return frame.drop(columns=["request"]).assign(start_time=moments, upstream_service_time_ms=service, **columns)


def _re(path: Path) -> pa.Table:
    return by_re(path.read_bytes())


def _goaccess(path: Path) -> None:
    command = ["goaccess", str(path), f"--log-format={_GOACCESS}", "--date-format=%Y-%m-%d", "--time-format=%H:%M:%S"]
    report = path.with_suffix(".json")
    subprocess.run([*command, "-o", str(report), "--no-global-config"], check=True, capture_output=True)  # noqa: S603
    valid = re.search(rb'"valid_requests": (\d+)', report.read_bytes())
    if valid is None or int(valid[1]) * 2 < LINES:
        raise RuntimeError("GoAccess does not read the log, so that its speed cannot be compared")


def _threads(log: bytes) -> Result:
    pool = ThreadPoolExecutor(2)

    def parse() -> int:
        return parse_istio_text(log, 0).read

    def run(workers: int) -> int:
        jobs = [pool.submit(parse) for _ in range(2)] if workers > 1 else []
        return sum(job.result() for job in jobs) if jobs else parse() + parse()

    seconds = median_wall_seconds({"one": lambda: run(1), "two": lambda: run(2)}, runs=9)
    return Result(
        "text_threads",
        "Istio text log by two threads against one, wall time (only where two processors are free)",
        seconds["one"] / seconds["two"],
        THREADS_GOAL,
        {f"{side}_mb_per_second": 2 * len(log) / 1e6 / value for side, value in seconds.items()},
    )


def _gzip(folder: Path, log: bytes) -> Result:
    path = folder / "access.log.gz"
    decompress: Callable[[bytes], bytes] = igzip.decompress
    path.write_bytes(igzip.compress(log, 2))

    def alone() -> int:
        return len(decompress(path.read_bytes()))

    def ours() -> int:
        read = 0
        with open_stream(str(path), "gzip") as stream:
            for piece in read_records(stream, Framing.LINES, 0, None, take_unfinished=True):
                if isinstance(piece, Chunk):
                    read += parse_istio_text(piece.data, piece.offset).read
        return read

    seconds = median_seconds({"ours": ours, "isal": alone})
    return Result(
        "text_gzip",
        "Istio text log from gzip against isal alone",
        seconds["isal"] / seconds["ours"],
        GZIP_GOAL,
        {f"{side}_mb_per_second": len(log) / 1e6 / value for side, value in seconds.items()},
    )
