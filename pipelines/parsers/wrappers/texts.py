"""Inner lines written one behind the other, each with a newline, into one buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.parsers.scan.compiled import compiled
from pipelines.parsers.wrappers.json_kernels import ESCAPED, OBJECT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.wrappers.json_spans import Spans


@compiled
def _hex4(data: NDArray[np.uint8], at: int) -> int:
    value = 0
    for i in range(at, at + 4):
        c = int(data[i])
        value = value * 16 + (c - 48 if c <= 57 else (c | 32) - 87)
    return value


@compiled
def _put_utf8(out: NDArray[np.uint8], at: int, code: int) -> int:
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at] = 0xC0 | code >> 6
        out[at + 1] = 0x80 | code & 63
        return at + 2
    if code < 0x10000:
        out[at] = 0xE0 | code >> 12
        out[at + 1] = 0x80 | code >> 6 & 63
        out[at + 2] = 0x80 | code & 63
        return at + 3
    out[at] = 0xF0 | code >> 18
    out[at + 1] = 0x80 | code >> 12 & 63
    out[at + 2] = 0x80 | code >> 6 & 63
    out[at + 3] = 0x80 | code & 63
    return at + 4


@compiled
def _unescape(data: NDArray[np.uint8], begin: int, end: int, out: NDArray[np.uint8], at: int) -> int:  # noqa: C901 - one compiled pass
    """The text of a string that was checked before; a surrogate without its partner becomes U+FFFD."""
    i = begin
    while i < end:
        c = data[i]
        if c != 92:
            out[at] = c
            at += 1
            i += 1
            continue
        c = data[i + 1]
        if c == 117:
            code = _hex4(data, i + 2)
            i += 6
            if 0xD800 <= code < 0xDC00 and i + 6 <= end and data[i] == 92 and data[i + 1] == 117:
                low = _hex4(data, i + 2)
                if 0xDC00 <= low < 0xE000:
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                    i += 6
            at = _put_utf8(out, at, 0xFFFD if 0xD800 <= code < 0xE000 else code)
            continue
        if c == 110:
            c = np.uint8(10)
        elif c == 116:
            c = np.uint8(9)
        elif c == 114:
            c = np.uint8(13)
        elif c == 98:
            c = np.uint8(8)
        elif c == 102:
            c = np.uint8(12)
        out[at] = c
        at += 1
        i += 2
    return at


@compiled
def _write(
    data: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    goes_on: NDArray[np.bool_],
    out: NDArray[np.uint8],
    starts: NDArray[np.int64],
) -> int:
    at = 0
    for row in range(len(begins)):
        starts[row] = at
        begin, end = begins[row], ends[row]
        if kinds[row] == ESCAPED:
            at = _unescape(data, begin, end, out, at)
        elif kinds[row] == OBJECT:
            # A newline in an object is white space between its members: inside a string it would be an escape.
            for i in range(begin, end):
                out[at] = 32 if data[i] == 10 else data[i]
                at += 1
        else:
            out[at : at + end - begin] = data[begin:end]
            at += end - begin
        if not goes_on[row] and (at == starts[row] or out[at - 1] != 10):
            out[at] = 10
            at += 1
    return at


def write_texts(
    data: NDArray[np.uint8], spans: Spans, goes_on: NDArray[np.bool_] | None = None
) -> tuple[bytes, NDArray[np.int64]]:
    """The texts of strings, objects and plain slices as lines, and where each begins.

    A row where `goes_on` has no newline: the next row is the rest of the same line.
    """
    if goes_on is None:
        goes_on = np.zeros(len(spans.begins), np.bool_)
    out = np.empty(int(np.sum(spans.ends - spans.begins)) + len(spans.begins), np.uint8)
    starts = np.empty(len(spans.begins), np.int64)
    size = _write(data, spans.begins, spans.ends, spans.kinds, goes_on, out, starts)
    return out[:size].tobytes(), starts
