"""Istio's default JSON access log, one object a line, bytes to Arrow.

The keys are those of Istio's default (`start_time`, `method`, ..., `duration`, `upstream_service_time`) in any order;
others are ignored. An absent key, null and `-` are all null. Numbers may be numbers or strings. A line is a record
where it is one JSON object with a `start_time` and a `response_code` or `response_flags`.

Lines that fit a template learnt from the chunk are read a column at a time; the rest one at a time by a JSON parser,
to the same result. (Arrow's own JSON reader is not used: it crashes on a record `null`, takes two objects on a line
and `NaN`, and does not check UTF-8.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers.istio_json_columns import SCHEMA, VALUES, cut_columns
from pipelines.parsers.istio_json_lines import read_singly
from pipelines.parsers.json_template import Template, learn_template
from pipelines.parsers.lines import MAX_RECORD_BYTES, Lines, as_mask, read_lines, reject_lines
from pipelines.parsers.result import Parsed, completed, reject_table
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.context import Context

# Each template costs a pass over the lines that no earlier one fits, so their number is bounded.
_MOST_TEMPLATES = 8
_TRIES_PER_BLOCK = 4

_REQUIRED = "start_time"
_OUTCOMES = frozenset({"response_code", "response_flags"})


def parse_istio_json(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Reads a chunk that begins at the start of a line; the last line may lack its newline.

    `base_offset` is the chunk's place in the decompressed source. Accepted rows and rejects are each in the order of
    their lines. Blank lines are not records. Never raises on any bytes; takes time linear in the chunk.
    """
    accepted = [SCHEMA.empty_table()]
    rejected = [reject_table()]
    read = 0
    templates: list[Template] = []
    for lines in read_lines(chunk, base_offset):
        read += len(lines)
        if len(lines):
            rows, rejects = _parse_block(lines, templates)
            accepted.append(rows)
            rejected.append(rejects)
    return Parsed(completed(pa.concat_tables(accepted), ACCESS_LOG_FIELDS), pa.concat_tables(rejected), read)


def _parse_block(lines: Lines, templates: list[Template]) -> tuple[pa.Table, pa.Table]:
    """Reads one block; adds what it learns to `templates`."""
    short = lines.ends - lines.starts <= MAX_RECORD_BYTES
    rest = np.flatnonzero(short)
    tables: list[pa.Table] = []
    for template in tuple(templates):
        rest = _take_fitting(lines, rest, template, tables)
    for attempt in range(_TRIES_PER_BLOCK):
        if len(rest) == 0 or len(templates) == _MOST_TEMPLATES:
            break
        # Samples are spread out, so that a run of other lines at the beginning costs no more than one try.
        sample = rest[len(rest) * attempt // _TRIES_PER_BLOCK]
        learned = learn_template(bytes(lines.data[lines.starts[sample] : lines.ends[sample]]), VALUES)
        if learned is None or learned in templates or not _may_fit(learned):
            continue
        fitting = len(rest)
        rest = _take_fitting(lines, rest, learned, tables)
        if len(rest) < fitting:
            templates.append(learned)
    single = ~short
    single[rest] = True
    rejects = reject_table()
    if single.any():
        chosen = lines.select(single)
        table, reasons = read_singly(chosen)
        tables.append(table)
        refused = as_mask(pc.not_equal(reasons, ""))
        rejects = reject_lines(chosen.select(refused), reasons.filter(pa.array(refused)))
    return _in_order(tables), rejects


def _may_fit(template: Template) -> bool:
    return _REQUIRED in template.keys and not _OUTCOMES.isdisjoint(template.keys)


def _take_fitting(
    lines: Lines, rest: NDArray[np.int64], template: Template, tables: list[pa.Table]
) -> NDArray[np.int64]:
    """Adds the rows of those lines in `rest` that fit the template to `tables`; returns the others."""
    if len(rest) == 0:
        return rest
    texts = lines.select(rest).to_arrow()
    fits = as_mask(pc.match_substring_regex(texts, pattern=template.pattern))
    if fits.any():
        table, fits[fits] = cut_columns(lines.select(rest[fits]), template)
        tables.append(table)
    return rest[~fits]


def _in_order(tables: list[pa.Table]) -> pa.Table:
    filled = [table for table in tables if table.num_rows]
    if len(filled) < 2:
        return filled[0] if filled else SCHEMA.empty_table()
    merged = pa.concat_tables(filled).combine_chunks()
    return merged.take(pc.sort_indices(merged["source_offset"]))
