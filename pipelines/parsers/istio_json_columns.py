"""Cuts the values of JSON lines that fit a template into Arrow columns, a column at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers import access_log_patterns as fields
from pipelines.parsers.json_template import COUNT_VALUE, TEXT_VALUE, find_key_ends
from pipelines.parsers.lines import slices
from pipelines.parsers.result import accepted_schema
from pipelines.parsers.text_fields import ISTIO_FIELDS, strip_cluster_delimiter, to_timestamps

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.parsers.json_template import Template
    from pipelines.parsers.lines import Lines

SCHEMA = accepted_schema(ISTIO_FIELDS)

#: Istio's key for each column. Only durations are named otherwise.
_OTHER_NAMES: dict[str, str] = {"duration_ms": "duration", "upstream_service_time_ms": "upstream_service_time"}
KEYS: dict[str, str] = {str(name): _OTHER_NAMES.get(name, str(name)) for name in ISTIO_FIELDS.names}

_CODE = rf"(?:{fields.RESPONSE_CODE}|\"{fields.RESPONSE_CODE}\")"
_FLAGS = rf"\"{fields.RESPONSE_FLAGS}\""


def _rule(name: str, kind: pa.DataType) -> str:
    special = {"start_time": rf"\"{fields.TIME}\"", "response_code": _CODE, "response_flags": _FLAGS}
    return special.get(name, TEXT_VALUE if kind == pa.string() else COUNT_VALUE)


#: The pattern of each key's value. A line whose code or flags are null is left to the JSON parser.
VALUES: dict[str, str] = {KEYS[field.name]: _rule(field.name, field.type) for field in ISTIO_FIELDS}

_QUOTE, _DASH, _N = (ord(character) for character in '"-n')


def cut_columns(lines: Lines, template: Template) -> tuple[pa.Table, NDArray[np.bool_]]:
    """`source_offset` and `ISTIO_FIELDS` of nearly all of some lines that match the template, and of which."""
    key_ends, simple = find_key_ends(lines, template)
    chosen = lines if simple.all() else lines.select(simple)
    place = {key: index for index, key in enumerate(template.keys)}
    columns = [pa.array(chosen.offset + chosen.starts, pa.int64())]
    for field in ISTIO_FIELDS:
        index = place.get(KEYS[field.name])
        texts = None if index is None else _cut(chosen, template, key_ends, index)
        columns.append(pa.nulls(len(chosen), field.type) if texts is None else typed(texts, field))
    return pa.table(columns, schema=SCHEMA), simple


def _cut(lines: Lines, template: Template, key_ends: NDArray[np.int64], index: int) -> pa.Array:
    """The values of each line's key number `index`, as strings.

    A value lies between the quote and colon after its key and the comma and quote before the next, or the last brace.
    """
    values = lines.bytes_array()
    starts = key_ends[index] + 2
    if index == len(template.keys) - 1:
        ends = lines.ends - 1
    else:
        ends = key_ends[index + 1] - len(template.keys[index + 1]) - 2
    first = values[starts]
    quoted = first == _QUOTE
    starts = starts + quoted
    ends = ends - quoted
    null = (first == _N) | ((ends - starts == 1) & (values[starts] == _DASH))
    return unescape(slices(pa.py_buffer(lines.data), starts, ends, pa.string(), null if null.any() else None))


def unescape(texts: pa.Array) -> pa.Array:
    """The inside of valid JSON strings as the text they stand for; each distinct escaped text is decoded once."""
    escaped = pc.match_substring(texts, "\\")
    if not pc.any(escaped).as_py():
        return texts
    encoded = texts.filter(escaped).dictionary_encode()
    decoded = [msgspec.json.decode(f'"{text}"') for text in encoded.dictionary.to_pylist()]
    plain = pa.array(decoded, pa.string()).take(encoded.indices)
    return pc.replace_with_mask(texts, pc.fill_null(escaped, False), plain)


def typed(texts: pa.Array, field: pa.Field) -> pa.Array:
    """Strings that keep their field's rule, in the field's type."""
    if field.name == "upstream_cluster":
        return strip_cluster_delimiter(texts)
    if pa.types.is_timestamp(field.type):
        return to_timestamps(texts)
    return texts.cast(field.type)
