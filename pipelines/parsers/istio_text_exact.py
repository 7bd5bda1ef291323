"""Istio's default text format, exactly: every line it may have, and of every other line why it is none.

One linear regular expression says whether a line is whole and valid; the fields are then cut out at the positions of
quotes and spaces, a column at a time. Lines with quotes inside values take a second, equally vectorised way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers import access_log_patterns as fields
from pipelines.parsers.istio_text_columns import Cut, cut_columns
from pipelines.parsers.istio_text_reasons import read_others
from pipelines.parsers.istio_text_structure import NUMBERS, find_marks
from pipelines.parsers.lines import MAX_RECORD_BYTES, Lines, as_mask, read_lines, reject_lines
from pipelines.parsers.result import Parsed, accepted_schema, completed, reject_table
from pipelines.parsers.text_fields import ISTIO_FIELDS
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray


_TEXT = fields.TEXT_UNQUOTED
_PLAIN = (
    rf'\A\[{fields.TIME}\] "{fields.METHOD} {fields.PATH_UNQUOTED} {fields.PROTOCOL}"'
    rf" {fields.RESPONSE_CODE} {fields.RESPONSE_FLAGS} {fields.WORD}(?: {fields.WORD})? "
    rf'"{_TEXT}"{NUMBERS}"{_TEXT}" "{_TEXT}" "{_TEXT}" "{fields.AUTHORITY}" "{fields.ADDRESS}"'
    rf" {fields.WORD} {fields.ADDRESS} {fields.ADDRESS} {fields.ADDRESS} {fields.WORD} {fields.LAST_WORD}"
    r"(?:\r?\n[ \t\r\n]*|\r)?\z"
)


def parse_exactly(chunk: bytes, base_offset: int) -> Parsed:
    """Reads a chunk that begins at the start of a line; the last line may lack its newline.

    `base_offset` is the chunk's place in the decompressed source. Accepted rows and rejects are each in the order of
    their lines. Blank lines are not records. Never raises on any bytes; takes time linear in the chunk.
    """
    accepted = [accepted_schema(ISTIO_FIELDS).empty_table()]
    rejected = [reject_table()]
    read = 0
    for lines in read_lines(chunk, base_offset):
        read += len(lines)
        if len(lines):
            rows, rejects = _parse_block(lines)
            accepted.append(rows)
            rejected.append(rejects)
    return Parsed(completed(pa.concat_tables(accepted), ACCESS_LOG_FIELDS), pa.concat_tables(rejected), read)


def _parse_block(lines: Lines) -> tuple[pa.Table, pa.Table]:
    marks = find_marks(lines)
    plain = _is_plain(lines)
    chosen = np.flatnonzero(plain)
    cut = Cut(chosen, marks.leading(chosen))
    rejects = reject_table()
    if len(chosen) < len(lines):
        others = np.flatnonzero(~plain)
        more, reasons = read_others(lines, marks, others)
        cut = cut.merge(more)
        refused = as_mask(pc.not_equal(reasons, ""))
        rejects = reject_lines(lines.select(others[refused]), reasons.filter(pa.array(refused)))
    return cut_columns(lines, marks, cut), rejects


def _is_plain(lines: Lines) -> NDArray[np.bool_]:
    """Which lines are whole, valid, and without quotes inside values. Each value runs up to the next line's start."""
    offsets = np.append(lines.starts, len(lines.data)).astype(np.int32)
    runs = pa.Array.from_buffers(pa.binary(), len(lines), [None, pa.py_buffer(offsets), pa.py_buffer(lines.data)])
    return as_mask(pc.match_substring_regex(runs, pattern=_PLAIN)) & (lines.ends - lines.starts <= MAX_RECORD_BYTES)
