"""Why a line is not a record of Istio's default text format, or how it is one after all.

Lines that the plain expression refuses come here: those with quotes inside values, the format before Istio 1.9, and
damaged ones. Each check looks at the lines that passed all earlier ones, so that a reject names its first fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers import access_log_patterns as fields
from pipelines.parsers.istio_text_columns import Cut
from pipelines.parsers.istio_text_structure import NUMBERS, QUOTES, STATUS, resolve_quotes
from pipelines.parsers.lines import MAX_RECORD_BYTES, TOO_LONG, Lines, as_mask, slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.istio_text_structure import Marks

_HEAD = rf'\A\[{fields.TIME}\] "'
_PREFIX = "not Istio's default text format: "
_NO_START = _PREFIX + "no [start_time] and quoted request at the beginning"
_JSON = _PREFIX + "a JSON object; ingest the file as istio_json"
_CONTROL = _PREFIX + "control bytes in the line"
_CUT_SHORT = _PREFIX + "fewer quoted fields than the format has; cut short, or a custom format"
_STUCK = "two records run together in one line"
_UNCLEAR = _PREFIX + "quotes inside values leave no way, or more than one, to tell the fields apart"

_ADDRESS = "is not ip:port, a Unix socket or an Envoy address"
_TAIL = rf"\A {fields.WORD}"
_NEXT_ADDRESS = rf" {fields.ADDRESS}"


@dataclass(frozen=True, slots=True)
class _Check:
    """The part between two of the format's quotes (`begin` 13 with `end` 14 is the rest of the line) and its rule."""

    begin: int
    end: int
    pattern: str
    reason: str


_CHECKS = (
    _Check(0, 1, rf"\A{fields.METHOD} ", "method is not an HTTP token"),
    _Check(0, 1, rf" {fields.PROTOCOL}\z", "protocol is not HTTP/1.0, HTTP/1.1, HTTP/2, HTTP/3 or -"),
    _Check(0, 1, rf"\A{fields.METHOD} {fields.PATH} {fields.PROTOCOL}\z", "request is not method, path and protocol"),
    _Check(1, 2, rf"\A {fields.RESPONSE_CODE} ", "response code is not a number"),
    _Check(1, 2, rf"\A {fields.RESPONSE_CODE} {fields.RESPONSE_FLAGS} ", "response flags are not Envoy's short names"),
    _Check(1, 2, rf'\A{STATUS}(?:\z|")', "response code details are not one word, or not followed by one more"),
    _Check(3, 4, rf"\A {fields.COUNT} {fields.COUNT} ", "bytes received and bytes sent are not numbers"),
    _Check(3, 4, rf"\A{NUMBERS}\z", "duration and upstream service time are not numbers or -"),
    _Check(5, 6, r"\A \z", "no single space between x-forwarded-for and user agent"),
    _Check(7, 8, r"\A \z", "no single space between user agent and request id"),
    _Check(9, 10, r"\A \z", "no single space between request id and authority"),
    _Check(10, 11, rf"\A{fields.AUTHORITY}\z", "authority holds a space"),
    _Check(11, 12, r"\A \z", "no single space between authority and upstream host"),
    _Check(12, 13, rf"\A{fields.ADDRESS}\z", f"upstream host {_ADDRESS}"),
    _Check(13, 14, rf"{_TAIL} ", "no upstream cluster, or the line is cut short after the upstream host"),
    _Check(13, 14, rf"{_TAIL}{_NEXT_ADDRESS} ", f"upstream local address {_ADDRESS}"),
    _Check(13, 14, rf"{_TAIL}{_NEXT_ADDRESS * 2} ", f"downstream local address {_ADDRESS}"),
    _Check(13, 14, rf"{_TAIL}{_NEXT_ADDRESS * 3} ", f"downstream remote address {_ADDRESS}"),
    _Check(
        13,
        14,
        rf"{_TAIL}{_NEXT_ADDRESS * 3} {fields.WORD} {fields.LAST_WORD}\z",
        "requested server name and route name are not two words at the end; cut short, or another record follows",
    ),
)


class _Verdicts:
    """The first reason found for each of some lines; "" while there is none."""

    def __init__(self, count: int) -> None:
        self._reasons: list[str] = [""]
        self._codes = np.zeros(count, np.int32)

    def good(self) -> NDArray[np.bool_]:
        good: NDArray[np.bool_] = self._codes == 0
        return good

    def refuse(self, refused: NDArray[np.bool_], reason: str) -> None:
        """Gives `reason` to the refused lines that have none yet."""
        self._reasons.append(reason)
        self._codes[refused & self.good()] = len(self._reasons) - 1

    def reasons(self) -> pa.Array:
        return pa.array(self._reasons).take(pa.array(self._codes))


def read_others(lines: Lines, marks: Marks, chosen: NDArray[np.int64]) -> tuple[Cut, pa.Array]:
    """The chosen lines (ascending indices) that are records after all, and a reason for each chosen line, "" if so."""
    verdicts = _Verdicts(len(chosen))
    _check_whole(lines, marks, chosen, verdicts)
    counts = marks.counts()[chosen]
    quotes = np.zeros((QUOTES, len(chosen)), np.int64)
    simple = verdicts.good() & (counts == QUOTES)
    quotes[:, simple] = marks.leading(chosen[simple])
    crowded = verdicts.good() & (counts > QUOTES)
    if crowded.any():
        resolved = resolve_quotes(lines, marks, chosen[crowded])
        quotes[:, crowded] = resolved.quotes
        verdicts.refuse(_spread(crowded, resolved.repeated), _STUCK)
        verdicts.refuse(_spread(crowded, ~resolved.found), _UNCLEAR)
    for check in _CHECKS:
        _apply(check, lines, marks, Cut(chosen, quotes), verdicts)
    return Cut(chosen, quotes).select(verdicts.good()), verdicts.reasons()


def _spread(chosen: NDArray[np.bool_], marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    whole = np.zeros_like(chosen)
    whole[chosen] = marked
    return whole


def _check_whole(lines: Lines, marks: Marks, chosen: NDArray[np.int64], verdicts: _Verdicts) -> None:
    picked = lines.select(chosen)
    verdicts.refuse(picked.ends - picked.starts > MAX_RECORD_BYTES, TOO_LONG)
    readable = np.flatnonzero(verdicts.good())
    texts = picked.select(readable).to_arrow()

    def marked(pattern: str) -> NDArray[np.bool_]:
        whole = np.zeros(len(chosen), np.bool_)
        whole[readable] = as_mask(pc.match_substring_regex(texts, pattern=pattern))
        return whole

    verdicts.refuse(marked(r"\A\{"), _JSON)
    verdicts.refuse(~marked(_HEAD), _NO_START)
    verdicts.refuse(marked(rf'(?s:.)\[{fields.TIME}\] "'), _STUCK)
    verdicts.refuse(marked(r"[\x00-\x08\x0a-\x1f\x7f]"), _CONTROL)
    verdicts.refuse(marks.counts()[chosen] < QUOTES, _CUT_SHORT)


def _apply(check: _Check, lines: Lines, marks: Marks, cut: Cut, verdicts: _Verdicts) -> None:
    good = np.flatnonzero(verdicts.good())
    begins = marks.positions[cut.quotes[check.begin, good]] + 1
    ends = lines.ends[cut.chosen[good]] if check.end == QUOTES else marks.positions[cut.quotes[check.end, good]]
    parts = slices(pa.py_buffer(lines.data), begins, ends)
    refused = np.zeros(len(cut.chosen), np.bool_)
    refused[good] = ~as_mask(pc.match_substring_regex(parts, pattern=check.pattern))
    verdicts.refuse(refused, _PREFIX + check.reason)
