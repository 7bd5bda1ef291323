"""Prometheus text exposition and OpenMetrics: what `/metrics` and Envoy's `/stats/prometheus` answer.

A record is a sample line; `# TYPE` lines tell the type of the samples behind them, and one that cannot be read is a
reject like any other line. Samples without a timestamp have the time of their file. Timestamps are milliseconds in the
text format and seconds in OpenMetrics, which is told by its last line, `# EOF`, or by what only it has. Histograms,
summaries and `_created` are kept as the samples they are written as, native histograms and exemplars in columns of
their own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pipelines.parsers.context import DEFAULT, Context
from pipelines.parsers.prometheus_columns import room_for
from pipelines.parsers.prometheus_exact import Dialect, ExactReader, Family
from pipelines.parsers.prometheus_fast import parse_block
from pipelines.parsers.result import Parsed, reject_table

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Rows are made for so many bytes at a time, which bounds the memory that a file needs.
BLOCK_BYTES: Final = 1 << 20
#: What only OpenMetrics has, looked for in so many bytes; a whole document of it ends with `# EOF`.
_OPEN_METRICS: Final = re.compile(
    rb"^# (?:EOF|UNIT )|^# TYPE \S+ (?:unknown|info|stateset|gaugehistogram)[ \t\r]*$|[0-9] # \{", re.MULTILINE
)
_LOOK_BYTES: Final = 64 << 10


def parse_prometheus_text(document: bytes, base_offset: int, context: Context = DEFAULT) -> Iterator[Parsed]:
    """Read one exposition, or several one after the other; `context.observed_us` is the time of samples without one."""
    dialect = dialect_of(document, context)
    family = Family()
    room = room_for(min(len(document), BLOCK_BYTES))
    size = BLOCK_BYTES
    for start, end in blocks(document):
        if end - start > size:  # a block of one long line
            room, size = room_for(end - start), end - start
        parsed, family = parse_block(document[start:end], base_offset + start, family, dialect, room)
        yield parsed


def parse_exactly(document: bytes, base_offset: int, context: Context = DEFAULT) -> Iterator[Parsed]:
    """The same line by line, by the exact grammar: what the fast way is judged by."""
    dialect = dialect_of(document, context)
    family = Family()
    for start, end in blocks(document):
        reader = ExactReader(dialect)
        position = start
        while position < end:
            newline = document.find(b"\n", position, end)
            stop = end if newline < 0 else newline
            family = reader.read(document[position:stop].removesuffix(b"\r"), base_offset + position, family)
            position = stop + 1
        rows = reader.table()
        yield Parsed(rows, reject_table(reader.rejects), rows.num_rows + len(reader.rejects))


def dialect_of(document: bytes, context: Context) -> Dialect:
    """Which of the two formats a document is in."""
    ends = document[-_LOOK_BYTES:].rstrip().endswith(b"# EOF")
    is_open_metrics = ends or _OPEN_METRICS.search(document, 0, _LOOK_BYTES) is not None
    return Dialect(is_open_metrics, context.observed_us)


def blocks(document: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of pieces of whole lines, each of about `BLOCK_BYTES`, or of one line that is longer."""
    start = 0
    while start < len(document):
        end = len(document)
        if end - start > BLOCK_BYTES:
            end = document.rfind(b"\n", start, start + BLOCK_BYTES) + 1
            if end == 0:
                end = document.find(b"\n", start + BLOCK_BYTES) + 1 or len(document)
        yield start, end
        start = end
