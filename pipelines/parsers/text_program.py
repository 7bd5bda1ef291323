"""A text log's format string, compiled: what stands between its values, and what each value may be.

Envoy escapes nothing in text, so that a value may hold what stands behind it. `pattern` tells a line's values apart
where their places alone do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers import access_log_patterns as patterns
from pipelines.parsers.log_layout import OUTCOMES, Key, Layout, key_of
from pipelines.parsers.log_operators import TIMES, split_format
from pipelines.parsers.start_time import time_format

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.log_operators import Operator

_NUMBER: Final = r"(?:-?[0-9]{1,18}|-)"
_TIME: Final = r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2}))"
#: What columns hold where they are not free text.
_BY_COLUMN: Final = {
    "method": patterns.METHOD,
    "path": patterns.PATH,
    "protocol": patterns.PROTOCOL,
    "response_code": rf"(?:{patterns.RESPONSE_CODE}|-)",
    "response_flags": patterns.RESPONSE_FLAGS,
    "authority": patterns.AUTHORITY,
    "connection_termination_details": patterns.WORD,
    "grpc_status": r"[A-Za-z0-9_-]+",
    "upstream_service_time_ms": _NUMBER,
} | dict.fromkeys(
    (
        "response_code_details",
        "upstream_host",
        "upstream_cluster",
        "upstream_local_address",
        "downstream_local_address",
        "downstream_remote_address",
        "requested_server_name",
        "route_name",
        "trace_id",
        "span_id",
        "reporter_pod",
        "reporter_namespace",
    ),
    patterns.WORD,
)
_NUMBERS: Final = re.compile(r".*(?:BYTES|DURATION|COUNT|_PORT|CONNECTION_ID|PACKETS).*")
_WORDS: Final = re.compile(
    r".*(?:ADDRESS|FINGERPRINT|SERIAL|TLS_VERSION|TLS_CIPHER|TLS_GROUP|SESSION_ID|CLOSE_TYPE|ATTEMPTED).*"
    r"|HOSTNAME|UNIQUE_ID|ACCESS_LOG_TYPE|UPSTREAM_PROTOCOL|UPSTREAM_HOST.*|FILTER_CHAIN_NAME"
)
#: Operators that print other times alike.
_EMITTED: Final = frozenset({"EMIT_TIME", "EMIT_TIME_LOCAL"})
#: How much of the text around a start time tells one record's beginning from a time in a value.
_AROUND: Final = 4


@dataclass(frozen=True, slots=True)
class Field:
    """One value: its name among attributes, what it fills, what it may be, whether that is a client's text."""

    path: str
    key: Key | None
    pattern: str
    is_free: bool


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled format string.

    `literals` (one more than `fields`) as bytes in one array, the i-th at `offsets[i]:offsets[i + 1]`. `allowed` says
    which bytes a line may hold. `greedy` and `lazy` are RE2 patterns of a line with a group a field (`f0`, `f1`, ...),
    giving the first or the last of several values that could be longer the most. `start` matches where a record starts,
    and occurs `starts` times in a line.
    """

    fields: tuple[Field, ...]
    layout: Layout
    literals: tuple[bytes, ...]
    packed: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    allowed: NDArray[np.uint8]
    greedy: str
    lazy: str
    start: str
    starts: int


@lru_cache(maxsize=64)
def program_of(text: str) -> Program:
    """The program of a format string.

    Raises:
        ValueError: no line of that format can be a record; the message says why.
    """
    literals, operators = split_format(text.strip("\r\n"))
    if any("\n" in literal for literal in literals):
        raise ValueError("the log format spans several lines; a record has to be one line")
    if not operators:
        raise ValueError(f"the log format {text[:60]!r} holds no operator such as %START_TIME%")
    fields = _fields(operators)
    named = {field.path: field.key for field in fields}
    columns = {key.column for key in named.values() if key}
    if "start_time" not in columns:
        raise ValueError(f"the log format {text[:60]!r} holds no %START_TIME%, without which no line can be a record")
    encoded = tuple(literal.encode() for literal in literals)
    packed = np.frombuffer(b"".join(encoded) + bytes(1), np.uint8)
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    allowed = np.ones(256, np.uint8)
    allowed[:32] = allowed[127] = 0
    allowed[[9, *b"".join(encoded)]] = 1
    start, starts = _starts(operators, literals)
    return Program(
        fields=fields,
        layout=Layout(named, needs_outcome=not OUTCOMES.isdisjoint(columns)),
        literals=encoded,
        packed=packed,
        offsets=offsets,
        allowed=allowed,
        greedy=_pattern(encoded, fields, lazy=False),
        lazy=_pattern(encoded, fields, lazy=True),
        start=start,
        starts=starts,
    )


def _fields(operators: list[Operator]) -> tuple[Field, ...]:
    fields: list[Field] = []
    times_met: dict[str, int] = {}
    for place, operator in enumerate(operators):
        target = operator.target
        key = key_of(target, place) if target else None
        times_met[operator.text] = met = times_met.get(operator.text, 0) + 1
        path = operator.text if met == 1 else f"{operator.text}#{met}"
        pattern = _value_pattern(operator, key)
        fields.append(Field(path, key, pattern, pattern == patterns.TEXT))
    return tuple(fields)


def _time_pattern(operator: Operator) -> str:
    return time_format(operator.argument).pattern if operator.argument else _TIME


def _value_pattern(operator: Operator, key: Key | None) -> str:
    if operator.name in TIMES:
        return _time_pattern(operator)
    if operator.name == "RESPONSE_CODE_DETAILS" and operator.argument:
        return patterns.TEXT  # ALLOW_WHITESPACES
    if key is not None and key.column in _BY_COLUMN and operator.name != "RESPONSE_FLAGS_LONG":
        return _BY_COLUMN[key.column]
    if _NUMBERS.fullmatch(operator.name) and operator.name not in ("UPSTREAM_CONNECTION_IDS_ATTEMPTED", "ENVIRONMENT"):
        return patterns.WORD if operator.name.endswith("WITHOUT_PORT") else _NUMBER
    if _WORDS.fullmatch(operator.name) or operator.name in ("RESPONSE_FLAGS_LONG", "UPSTREAM_CONNECTION_IDS_ATTEMPTED"):
        return patterns.WORD
    return patterns.TEXT


def _pattern(literals: tuple[bytes, ...], fields: tuple[Field, ...], *, lazy: bool) -> str:
    pieces = [r"\A", _escaped(literals[0])]
    for number, (field, literal) in enumerate(zip(fields, literals[1:], strict=True)):
        pattern = field.pattern + ("?" if lazy and field.pattern[-1] in "*+" else "")
        pieces += [f"(?P<f{number}>{pattern})", _escaped(literal)]
    return "".join([*pieces, r"\z"])


def _escaped(literal: bytes) -> str:
    """A literal as a pattern over bytes, as RE2 has them: one byte, one character of Latin-1."""
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\x{byte:02x}" for byte in literal)


def _starts(operators: list[Operator], literals: list[str]) -> tuple[str, int]:
    """What the first start time of a line looks like with what is around it, and how often a line has that."""
    places = [place for place, operator in enumerate(operators) if operator.name in TIMES or operator.name in _EMITTED]
    first = next(place for place in places if operators[place].name in TIMES)
    pattern = _time_pattern(operators[first])
    before, after = literals[first][-_AROUND:], literals[first + 1][:_AROUND]
    alike = [
        place
        for place in places
        if _time_pattern(operators[place]) == pattern
        and literals[place].endswith(before)
        and literals[place + 1].startswith(after)
    ]
    return f"{_escaped(before.encode())}(?:{pattern}){_escaped(after.encode())}", len(alike)
