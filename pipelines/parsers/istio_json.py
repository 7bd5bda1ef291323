"""Access logs as JSON, one object a line, bytes to Arrow: Istio's default keys, or any that a layout names.

`context.layout` is the log's own JSON mapping of keys to format strings, objects within objects allowed. Keys it does
not name are told by what they are called (`pipelines/parsers/log_operators.py`); what fills no column is kept among
`attributes` under its path. An absent key, null and `-` are all null. Numbers may be numbers or strings. A line is a
record where it is one JSON object with a start time and a response code or response flags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers.context import DEFAULT
from pipelines.parsers.istio_json_lines import SCHEMA, read_singly
from pipelines.parsers.lines import as_mask, read_lines, reject_lines
from pipelines.parsers.log_layout import layout_of
from pipelines.parsers.result import Parsed, reject_table

if TYPE_CHECKING:
    from pipelines.parsers.context import Context
    from pipelines.parsers.lines import Lines
    from pipelines.parsers.log_layout import Layout


def parse_istio_json(chunk: bytes, base_offset: int, context: Context = DEFAULT) -> Parsed:
    """Reads a chunk that begins at the start of a line; the last line may lack its newline.

    `base_offset` is the chunk's place in the decompressed source. Accepted rows and rejects are each in the order of
    their lines. Blank lines are not records. Never raises on any bytes; takes time linear in the chunk.
    """
    layout = layout_of(context.layout)
    accepted = [SCHEMA.empty_table()]
    rejected = [reject_table()]
    read = 0
    for lines in read_lines(chunk, base_offset):
        read += len(lines)
        if len(lines):
            rows, rejects = _parse_block(lines, layout)
            accepted.append(rows)
            rejected.append(rejects)
    return Parsed(pa.concat_tables(accepted), pa.concat_tables(rejected), read)


def _parse_block(lines: Lines, layout: Layout) -> tuple[pa.Table, pa.Table]:
    rows, reasons = read_singly(lines, layout)
    refused = as_mask(pc.not_equal(reasons, ""))
    return rows, reject_lines(lines.select(refused), reasons.filter(pa.array(refused)))
