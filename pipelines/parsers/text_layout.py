"""Text access logs of any Envoy format string, bytes to Arrow.

A line is cut at the literals of its format string (`text_program.py`). Where a value holds what stands behind it, what
each operator may print decides; a line that could still be read in more than one way is rejected, unless only free
texts of the client share the doubt: then the first of them gets the most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers import access_log_patterns as patterns
from pipelines.parsers.lines import MAX_RECORD_BYTES, TOO_LONG, Lines, as_mask, read_lines, reject_lines, slices
from pipelines.parsers.log_columns import LogColumns
from pipelines.parsers.result import Parsed, accepted_schema, reject_table
from pipelines.parsers.text_fields import strip_cluster_delimiter, to_text, to_timestamps
from pipelines.parsers.text_kernel import CONTROL, SEVERAL, UNIQUE, cut_lines
from pipelines.parsers.text_program import program_of
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.context import Context
    from pipelines.parsers.text_program import Field, Program

_SCHEMA: Final = accepted_schema(ACCESS_LOG_FIELDS)
_TYPES: Final = {field.name: field.type for field in ACCESS_LOG_FIELDS}
_PREFIX: Final = "not the log's own format: "
_STUCK: Final = "two records run together in one line"
_UNCLEAR: Final = f"{_PREFIX}values leave more than one way to tell the fields apart"
_NO_WAY: Final = f"{_PREFIX}values are not what the operators print, or a field is missing"
_CONTROL: Final = f"{_PREFIX}control bytes in the line"
_MARKS_SHOWN: Final = 40
#: Columns whose values are read from few distinct texts.
_ENUMERATED: Final = frozenset({"response_flags", "grpc_status"})
_COUNTS: Final = rf"\A(?:{patterns.COUNT})\z"
_COUNTS_32: Final = r"\A[0-9]{1,9}\z"
_CODES: Final = rf"\A{patterns.RESPONSE_CODE}\z"
_TIMES: Final = rf"\A{patterns.TIME}\z"


def parse_text_layout(chunk: bytes, base_offset: int, context: Context) -> Parsed:
    """Reads a chunk that begins at the start of a line; `context.layout` is the format string.

    Accepted rows and rejects are each in the order of their lines. Blank lines are not records. Never raises on any
    bytes; takes time linear in the chunk.

    Raises:
        ValueError: the format string is none of a record.
    """
    program = program_of(context.layout or "")
    accepted = [_SCHEMA.empty_table()]
    rejected = [reject_table()]
    read = 0
    for lines in read_lines(chunk, base_offset):
        read += len(lines)
        if len(lines):
            rows, rejects = _parse_block(lines, program)
            accepted.append(rows)
            rejected.append(rejects)
    return Parsed(pa.concat_tables(accepted), pa.concat_tables(rejected), read)


def _parse_block(lines: Lines, program: Program) -> tuple[pa.Table, pa.Table]:
    reasons, values = _cut(lines, program)
    chosen = np.flatnonzero(reasons == "")
    columns = _columns(program, values, len(chosen))
    reasons[chosen] = np.where(columns.faults == "", "", _PREFIX + columns.faults)
    table = columns.table(lines.offset + lines.starts[chosen], _SCHEMA)
    refused = reasons != ""
    return table, reject_lines(lines.select(refused), pa.array(reasons[refused], pa.string()))


def _cut(lines: Lines, program: Program) -> tuple[NDArray[np.object_], list[pa.Array]]:
    """Why each line is no record, "" where it may be one, and the values (binary, an array a field) of those lines."""
    shape = (len(program.fields), len(lines))
    starts, ends = np.empty(shape, np.int64), np.empty(shape, np.int64)
    verdicts = np.empty(len(lines), np.int64)
    cut_lines(
        lines.bytes_array(), lines.starts, lines.ends, program.packed, program.offsets, program.allowed,
        starts, ends, verdicts,
    )  # fmt: skip
    reasons = np.full(len(lines), "", np.object_)
    for place, literal in enumerate(program.literals):
        reasons[verdicts == place] = _missing(program, place, literal)
    reasons[verdicts == CONTROL] = _CONTROL
    reasons[lines.ends - lines.starts > MAX_RECORD_BYTES] = TOO_LONG
    _mark_stuck(lines, program, reasons)
    doubtful = np.flatnonzero((verdicts == SEVERAL) & (reasons == ""))
    told: list[pa.Array] = []
    if len(doubtful):
        told, found = _tell_apart(lines.select(doubtful), program)
        reasons[doubtful] = found
        doubtful = doubtful[found == ""]
    plain = np.flatnonzero((verdicts == UNIQUE) & (reasons == ""))
    data = pa.py_buffer(lines.data)
    values = [slices(data, starts[field, plain], ends[field, plain]) for field in range(len(program.fields))]
    if len(doubtful):
        order = pa.array(np.argsort(np.concatenate([plain, doubtful]), kind="stable"))
        values = [pa.concat_arrays(pair).take(order) for pair in zip(values, told, strict=True)]
    return reasons, values


def _missing(program: Program, place: int, literal: bytes) -> str:
    shown = repr(literal[:_MARKS_SHOWN].decode("utf-8", "replace"))
    where = f"after %{program.fields[place - 1].path}%" if place else "at the beginning"
    return f"{_PREFIX}no {shown} {where}"


def _mark_stuck(lines: Lines, program: Program, reasons: NDArray[np.object_]) -> None:
    left = np.flatnonzero(reasons == "")
    counts = pc.count_substring_regex(lines.select(left).to_arrow(), pattern=program.start)
    reasons[left[counts.to_numpy(zero_copy_only=False) > program.starts]] = _STUCK


def _tell_apart(lines: Lines, program: Program) -> tuple[list[pa.Array], NDArray[np.object_]]:
    """The values of lines that could be cut in several ways, and why some are no records after all."""
    texts = lines.to_arrow()
    first, last = (pc.extract_regex(texts, pattern=pattern) for pattern in (program.greedy, program.lazy))
    reasons = np.full(len(lines), "", np.object_)
    reasons[~as_mask(pc.is_valid(first))] = _NO_WAY
    most, least = first.flatten(), last.flatten()
    for field, one, other in zip(program.fields, most, least, strict=True):
        if not field.is_free:
            reasons[as_mask(pc.not_equal(one, other)) & (reasons == "")] = _UNCLEAR
    kept = pa.array(reasons == "")
    return [values.filter(kept) for values in most], reasons


def _columns(program: Program, values: list[pa.Array], count: int) -> LogColumns:
    columns = [field.key.column for field in program.fields if field.key]
    filled: dict[str, pa.Array] = {}
    found: dict[str, pa.Array] = {}
    for field, binary in zip(program.fields, values, strict=True):
        key = field.key
        alone = key is not None and columns.count(key.column) == 1 and key.column not in _ENUMERATED
        typed = _typed(field, binary) if alone else None
        if key is not None and typed is not None:
            filled[key.column] = typed
        else:
            found[field.path] = to_text(binary)
    table = LogColumns(count, filled)
    table.fill(found, program.layout)
    table.require(outcome=program.layout.needs_outcome)
    return table


def _typed(field: Field, binary: pa.Array) -> pa.Array | None:
    """A column's values, null for `-`; None where one of them needs a closer look."""
    key = field.key
    if key is None or not key.is_plain:
        return None
    kind = _TYPES[key.column]
    said = pc.if_else(pc.equal(binary, b"-"), pa.scalar(None, pa.binary()), binary)
    if pa.types.is_string(kind):
        texts = to_text(said)
        return strip_cluster_delimiter(texts) if key.column == "upstream_cluster" else texts
    pattern = _TIMES if pa.types.is_timestamp(kind) else _COUNTS if kind == pa.int64() else _COUNTS_32
    if key.column == "response_code":
        pattern = _CODES
    if not pc.all(pc.match_substring_regex(said, pattern=pattern), min_count=0).as_py():
        return None
    texts = said.cast(pa.string())
    return to_timestamps(texts) if pa.types.is_timestamp(kind) else texts.cast(kind)
