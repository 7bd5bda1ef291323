"""Access logs as JSON, one object a line, bytes to Arrow: Istio's default keys, or any that a layout names.

`context.layout` is the log's own JSON mapping of keys to format strings, objects within objects allowed. Keys it does
not name are told by what they are called (`pipelines/parsers/log_operators.py`); what fills no column is kept among
`attributes` under its path. An absent key, null and `-` are all null. Numbers may be numbers or strings. A line is a
record where it is one JSON object with a start time and a response code or response flags.

Lines that fit a template learnt from the chunk are read by compiled code; the rest one at a time by a JSON parser, to
the same result. (Arrow's own JSON reader is not used: it crashes on a record `null`, takes two objects on a line and
`NaN`, and does not check UTF-8.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers.blocks import line_blocks
from pipelines.parsers.context import DEFAULT
from pipelines.parsers.istio_json_columns import Reader
from pipelines.parsers.istio_json_lines import SCHEMA, read_singly
from pipelines.parsers.json_template import learn_template
from pipelines.parsers.lines import Lines, as_mask, reject_lines
from pipelines.parsers.log_layout import layout_of
from pipelines.parsers.result import Parsed, reject_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.context import Context
    from pipelines.parsers.log_layout import Layout

# Each template costs a look at the lines that no earlier one fits, so their number is bounded.
_MOST_TEMPLATES: Final = 8
_TRIES_PER_BLOCK: Final = 4
_SAMPLE_LINES: Final = 16
#: Fewer lines than this are read one at a time sooner than a template is learnt.
_FEW_LINES: Final = 4


def parse_istio_json(chunk: bytes, base_offset: int, context: Context = DEFAULT) -> Parsed:
    """Reads a chunk that begins at the start of a line; the last line may lack its newline.

    `base_offset` is the chunk's place in the decompressed source. Accepted rows and rejects are each in the order of
    their lines. Blank lines are not records. Never raises on any bytes; takes time linear in the chunk.
    """
    layout = layout_of(context.layout)
    accepted = [SCHEMA.empty_table()]
    rejected = [reject_table()]
    read = 0
    readers: list[Reader] = []
    for lines in line_blocks(chunk, base_offset):
        read += len(lines)
        rows, rejects = _parse_block(lines, layout, readers)
        accepted.append(rows)
        rejected.append(rejects)
    return Parsed(pa.concat_tables(accepted), pa.concat_tables(rejected), read)


def _parse_block(lines: Lines, layout: Layout, readers: list[Reader]) -> tuple[pa.Table, pa.Table]:
    """Reads one block; adds what it learns to `readers`."""
    rest = np.arange(len(lines))
    tables: list[pa.Table] = []
    for reader in readers:
        rest = _take_fitting(lines, rest, reader, tables)
    for attempt in range(_TRIES_PER_BLOCK):
        if len(rest) <= _FEW_LINES or len(readers) == _MOST_TEMPLATES:
            break
        # Samples are spread out, so that a run of other lines at the beginning costs no more than one try.
        first = len(rest) * attempt // _TRIES_PER_BLOCK
        sample = np.unique(np.linspace(first, len(rest) - 1, _SAMPLE_LINES, dtype=np.int64))
        learned = learn_template([bytes(lines.data[lines.starts[at] : lines.ends[at]]) for at in rest[sample]])
        if learned is None or any(reader.template == learned for reader in readers):
            continue
        reader = Reader(learned, layout)
        fitting = len(rest)
        rest = _take_fitting(lines, rest, reader, tables)
        if len(rest) < fitting:
            readers.append(reader)
    if len(rest) == 0:
        return _in_order(tables), reject_table()
    chosen = lines.select(rest)
    table, reasons = read_singly(chosen, layout)
    tables.append(table)
    refused = as_mask(pc.not_equal(reasons, ""))
    return _in_order(tables), reject_lines(chosen.select(refused), reasons.filter(pa.array(refused)))


def _take_fitting(lines: Lines, rest: NDArray[np.int64], reader: Reader, tables: list[pa.Table]) -> NDArray[np.int64]:
    """Adds the rows of those lines in `rest` that fit to `tables`; returns the others."""
    if len(rest) == 0:
        return rest
    table, fits = reader.read(lines.bytes_array(), lines.starts[rest], lines.ends[rest], lines.offset)
    tables.append(table)
    return rest[~fits]


def _in_order(tables: list[pa.Table]) -> pa.Table:
    filled = [table for table in tables if table.num_rows]
    if len(filled) < 2:
        return filled[0] if filled else SCHEMA.empty_table()
    merged = pa.concat_tables(filled).combine_chunks()
    return merged.take(pc.sort_indices(merged["source_offset"]))
