r"""Lines among an access log that are no records of it: a proxy's own log, its agent's, an application's, stack traces.

Only lines that a parser refused are looked at, so nothing that can be read is ever set apart. A refused line is an
*other* where nothing in it speaks for an access-log record, whole or damaged; else it stays a reject. The rule, in
this order:

1. Bytes that are no UTF-8, control bytes (but tabs and colours), or more than `REJECT_RAW_LIMIT` bytes: a reject.
2. A line that begins with `{`: an other where it is a whole JSON object with fewer than three of the keys that only
   access logs have; else a reject. A JSON object cut short is a reject, whatever it was.
3. A line with a *sure mark*: a reject. Sure marks are a start time in brackets, or a line that is the beginning of
   one; a request's closing quote (`HTTP/1.1" `, `"- - -" `); four numbers between quotes; a quoted request id between
   quotes; the two addresses and two words at the end; a key of an access log with its colon; the literals of the
   log's own layout.
4. A line that begins as a known log of something else does: an other. These are Envoy's own log (`[2026-01-01
   12:00:00.000][12][info]`), lines that begin with a time without brackets, klog, logfmt, stack traces.
5. A line with a *weak mark*: a reject. Weak marks are two addresses with ports in a row, an Envoy cluster name, a
   quoted UUID, what the last fields of a record look like alone, a closing brace without an opening one.
6. Anything else is an other, unless the log's own layout has no literals to know its fragments by.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers.lines import as_mask
from pipelines.parsers.result import Parsed
from pipelines.schemas import ACCESS_LOG_FIELDS, REJECT_RAW_LIMIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNREADABLE: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
_ADDRESS: Final = r"(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+"
_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_COUNT: Final = r"(?:\d+|-)"
#: Keys that an application's own log has, too.
_COMMON_KEYS: Final = frozenset({"method", "path", "protocol", "authority", "user_agent", "request_id", "trace_id"})
_OWN_KEYS: Final = (frozenset(ACCESS_LOG_FIELDS.names) - _COMMON_KEYS - {"attributes", "span_id", "duration_ms"}) | {
    "upstream_service_time"
}
_ENOUGH_KEYS: Final = 3
#: Keys that every logger of JSON writes.
_AGENT_KEYS: Final = frozenset({"level", "message", "msg", "time", "timestamp", "ts", "scope"})

_SURE: Final = (
    r"\[\d{4}-\d\d-\d\dT\d\d:",
    r"\A\[\d{1,4}(?:-\d{0,2}(?:-\d{0,2}(?:T[\d:.]*)?)?)?\z",
    r'\bHTTP/[123](?:\.\d)?" ',
    r'"(?:[A-Z]+|-) \S* -" \d+ ',
    rf'" {_COUNT} {_COUNT} {_COUNT} {_COUNT} "',
    rf'" "{_UUID}" "',
    rf"(?:\A| )(?:{_ADDRESS}|-) {_ADDRESS} (?:{_ADDRESS}|-) \S+ \S+\z",
)
_WEAK: Final = (
    rf"{_ADDRESS} {_ADDRESS}",
    r"\b(?:in|out)bound(?:_\.\d*_\.[^|]*_\.|\|\d*\|)",
    rf'"{_UUID}"',
    r"\A[\d.]*:?\d+ \S+ \S+\z",
    r"(?:\A| )- (?:-|default)\z",
    r"\A[^{]+\}\z",
)
#: A custom layout may itself begin with a time; every other form is nobody's access log.
_TIMED: Final = r"\A\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?[\t ]"
_KNOWN: Final = (
    r"\A\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6}\]\[\d+\]\[[a-z]+\]",
    r"\A[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ ",
    r"\A(?:time|ts|level|severity)=\S",
    r"\A\s+at \S",
    r'\A  File "',
    r"\A(?:Caused by|Traceback|panic|goroutine \d+)[ :]",
    r"\A(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)[ :\]]",
)


def set_apart(parsed: Parsed, layout: str | None) -> Parsed:
    """Count the refused lines that are others, and take them out of the rejects.

    Args:
        parsed: what a parser of access logs made of a chunk, its offsets and bytes those of the lines themselves.
        layout: the log's own layout, see `Context`.
    """
    if not parsed.rejected.num_rows:
        return parsed
    others = are_others(parsed.rejected["raw"].combine_chunks(), parsed.rejected["raw_length"].to_numpy(), layout)
    count = int(others.sum())
    if not count:
        return parsed
    return Parsed(
        parsed.accepted, parsed.rejected.filter(pa.array(~others)), parsed.read - count, parsed.others + count
    )


def are_others(raw: pa.Array, lengths: NDArray[np.int64], layout: str | None = None) -> NDArray[np.bool_]:
    """Which lines (binary) that a parser refused are no records of an access log, by the rule of this module."""
    sure, known, knows_fragments = _patterns(layout)
    left = _readable(raw) & (lengths <= REJECT_RAW_LIMIT)
    others = np.zeros(len(raw), np.bool_)
    braced = left & _matching(raw, left, r"\A\s*\{")
    if braced.any():
        others[braced] = _foreign_objects(raw.filter(pa.array(braced)), layout)
    left &= ~braced
    left &= ~_matching(raw, left, sure)
    is_known = left & _matching(raw, left, known)
    others |= is_known
    left &= ~is_known
    if knows_fragments:
        others |= left & ~_matching(raw, left, "|".join(_WEAK))
    return others


def _matching(raw: pa.Array, among: NDArray[np.bool_], pattern: str) -> NDArray[np.bool_]:
    found = np.zeros(len(raw), np.bool_)
    if among.any():
        found[among] = as_mask(pc.match_substring_regex(raw.filter(pa.array(among)), pattern=pattern))
    return found


def _readable(raw: pa.Array) -> NDArray[np.bool_]:
    good = ~as_mask(pc.match_substring_regex(raw, pattern=_UNREADABLE))
    try:
        raw.cast(pa.string())
    except pa.ArrowInvalid:
        good &= np.array([_is_utf8(line) for line in raw.to_pylist()], np.bool_)
    return good


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _foreign_objects(raw: pa.Array, layout: str | None) -> NDArray[np.bool_]:
    """Which lines are whole JSON objects of something else."""
    from pipelines.parsers.wrappers.json_spans import members

    raw = pa.concat_arrays([raw])  # its own buffers, offsets from 0
    offsets = np.frombuffer(raw.buffers()[1], np.int32)[: len(raw) + 1].astype(np.int64)
    data = np.frombuffer(raw.buffers()[2] or b"", np.uint8)
    keys = sorted(_own_keys(layout))
    enough = min(_ENOUGH_KEYS, len(_layout_keys(layout)) or _ENOUGH_KEYS)
    found, good = members(data, offsets[:-1], offsets[1:], [key.encode() for key in keys])
    own = np.sum([spans.kinds != 0 for spans in found], axis=0)
    foreign: NDArray[np.bool_] = good & (own < enough)
    return foreign


def _own_keys(layout: str | None) -> frozenset[str]:
    return _OWN_KEYS | _layout_keys(layout)


def _layout_keys(layout: str | None) -> frozenset[str]:
    """The telling keys of a JSON layout; none of a text one."""
    if layout is None or not layout.lstrip().startswith("{"):
        return frozenset()
    try:
        return frozenset(json.loads(layout)) - _COMMON_KEYS - _AGENT_KEYS
    except ValueError:
        return frozenset()


@cache
def _patterns(layout: str | None) -> tuple[str, str, bool]:
    """Sure marks, beginnings of known logs, and whether every fragment of a record has a mark."""
    keys = "|".join(re.escape(key) for key in sorted(_own_keys(layout)))
    sure = [*_SURE, rf'"(?:{keys})"\s*:']
    known: list[str] = list(_KNOWN)
    if layout is None or layout.lstrip().startswith(("{", "[%START_TIME")):
        return "|".join(sure), "|".join([_TIMED, *known]), True
    literals = [text.strip() for text in re.split(r"%[^%]*%", layout)]
    telling = sorted({text for text in literals if len(text) >= _ENOUGH_KEYS})
    sure += [re.escape(text) for text in telling]
    if layout.startswith("%START_TIME"):
        sure.append(r"\A\d{4}-\d\d-\d\dT")
    elif not layout.startswith("%"):
        known.append(_TIMED)
    return "|".join(sure), "|".join(known), bool(telling)
