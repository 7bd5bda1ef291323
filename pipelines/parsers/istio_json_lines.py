"""JSON lines that fit no template: decoded one at a time, their fields checked a column at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers import access_log_patterns as fields
from pipelines.parsers.istio_json_columns import KEYS, SCHEMA, typed
from pipelines.parsers.lines import MAX_RECORD_BYTES, TOO_LONG, as_mask
from pipelines.parsers.text_fields import ISTIO_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipelines.parsers.lines import Lines

_PREFIX = "not Istio's JSON access log: "


def _member(field: pa.Field) -> tuple[str, object, None]:
    # A time is text; numbers come as numbers or, from older Envoys, as text.
    return KEYS[field.name], (int | str | None) if pa.types.is_integer(field.type) else (str | None), None


_Record = msgspec.defstruct("Record", [_member(field) for field in ISTIO_FIELDS], gc=False)
_DECODER = msgspec.json.Decoder(_Record)

# What a column's text must be where it is not null; other whole numbers are counts.
_RULES = {
    "start_time": (fields.TIME, "start_time is not an ISO 8601 time in UTC"),
    "response_code": (fields.RESPONSE_CODE, "response_code is not 0 or a number from 100 to 999"),
    "response_flags": (fields.RESPONSE_FLAGS, "response_flags are not Envoy's short names"),
}
_NOT_A_COUNT = "is not a whole number of at most 18 digits"
_FIRST_TOO_BIG = 10**18


def read_singly(lines: Lines) -> tuple[pa.Table, pa.Array]:
    """The lines that are records (`source_offset`, `ISTIO_FIELDS`), and a reason for each line, "" for those."""
    reasons = ["" for _ in range(len(lines))]
    records: list[msgspec.Struct] = []
    places: list[int] = []
    for index, (start, end) in enumerate(zip(lines.starts.tolist(), lines.ends.tolist(), strict=True)):
        record = _decode(lines.data[start:end])
        if isinstance(record, str):
            reasons[index] = record
        else:
            places.append(index)
            records.append(record)
    texts = {field.name: _texts(records, KEYS[field.name]) for field in ISTIO_FIELDS}
    faults = _faults(texts, len(records))
    for place, fault in zip(places, faults, strict=True):
        reasons[place] = fault
    good = faults == ""
    chosen = lines.select(np.array(places, np.int64)[good])
    columns = [pa.array(chosen.offset + chosen.starts, pa.int64())]
    columns.extend(typed(_no_dash(texts[field.name].filter(pa.array(good))), field) for field in ISTIO_FIELDS)
    return pa.table(columns, schema=SCHEMA), pa.array(reasons, pa.string())


def _texts(records: Sequence[msgspec.Struct], key: str) -> pa.Array:
    return pa.array([_text(getattr(record, key)) for record in records], pa.string())


def _text(value: int | str | None) -> str | None:
    if isinstance(value, int):
        return str(value) if -_FIRST_TOO_BIG < value < _FIRST_TOO_BIG else "too big"
    return value


def _no_dash(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, "-"), None, texts)


def _faults(texts: dict[str, pa.Array], count: int) -> NDArray[np.object_]:
    """The first fault of each record, "" where there is none."""
    faults = np.full(count, "", np.object_)

    def mark(bad: NDArray[np.bool_], reason: str) -> None:
        faults[bad & (faults == "")] = _PREFIX + reason

    for field in ISTIO_FIELDS:
        counted = pa.types.is_integer(field.type)
        if field.name in _RULES or counted:
            rule, reason = _RULES.get(field.name, (fields.COUNT, f"{KEYS[field.name]} {_NOT_A_COUNT}"))
            values = texts[field.name] if field.name == "response_flags" else _no_dash(texts[field.name])
            if not field.nullable:
                mark(as_mask(pc.is_null(values)), f"no {KEYS[field.name]}")
            fits = pc.match_substring_regex(values, pattern=rf"\A{rule}\z")
            mark(~as_mask(pc.fill_null(fits, True)), reason)
    outcome = pc.and_(pc.is_null(_no_dash(texts["response_code"])), pc.is_null(texts["response_flags"]))
    mark(as_mask(outcome), "neither response_code nor response_flags")
    return faults


def _decode(line: memoryview) -> msgspec.Struct | str:
    if len(line) > MAX_RECORD_BYTES:
        return TOO_LONG
    try:
        return _DECODER.decode(str(line, "utf-8"))
    except UnicodeDecodeError as error:
        return f"{_PREFIX}not valid UTF-8 (byte {error.start} of the line)"
    except msgspec.ValidationError as error:
        return f"{_PREFIX}{error}"
    except msgspec.DecodeError as error:
        return f"not JSON: {error}"
    except RecursionError:
        return f"{_PREFIX}nested too deep"
