"""JSON read by position: which bytes of a value belong to which member, without building the value.

Strict: what these functions take, `json.loads` takes, except that UTF-8 is not looked at (the parser of the inner line
does that) and nesting is bounded. All positions are checked against the end before they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.parsers.limits import MAX_DEPTH
from pipelines.parsers.scan.compiled import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Kinds of a value: absent, a string without escapes, one with, an object, an array, null, any other.
ABSENT, PLAIN, ESCAPED, OBJECT, ARRAY, NULL, OTHER = 0, 1, 2, 3, 4, 5, 6

_QUOTE: Final = 34
_BACKSLASH: Final = 92
_COMMA: Final = 44
_COLON: Final = 58
_OPEN: Final = 123
_CLOSE: Final = 125
_OPEN_LIST: Final = 91
_CLOSE_LIST: Final = 93
_DEPTH: Final = MAX_DEPTH


@compiled
def skip_space(data: NDArray[np.uint8], at: int, end: int) -> int:
    """The first position that is not white space."""
    while at < end and (data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9):
        at += 1
    return at


@compiled
def _hex_value(data: NDArray[np.uint8], at: int) -> int:
    """The value of four hexadecimal digits, -1 where they are none."""
    value = 0
    for i in range(at, at + 4):
        c = data[i]
        if 48 <= c <= 57:
            digit = c - 48
        elif 97 <= c <= 102:
            digit = c - 87
        elif 65 <= c <= 70:
            digit = c - 55
        else:
            return -1
        value = value * 16 + digit
    return value


@compiled
def string_end(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, bool]:
    """Behind the closing quote of a string whose opening one is at `at`, and whether it has escapes; -1 if damaged."""
    escaped = False
    i = at + 1
    while i < end:
        c = data[i]
        if c == _QUOTE:
            return i + 1, escaped
        if c == _BACKSLASH:
            escaped = True
            if i + 1 >= end:
                return -1, escaped
            c = data[i + 1]
            if c == 117:  # u
                if i + 6 > end or _hex_value(data, i + 2) < 0:
                    return -1, escaped
                i += 6
            elif c in (_QUOTE, _BACKSLASH, 47, 98, 102, 110, 114, 116):
                i += 2
            else:
                return -1, escaped
        elif c < 32:
            return -1, escaped
        else:
            i += 1
    return -1, escaped


@compiled
def _digits_end(data: NDArray[np.uint8], at: int, end: int) -> int:
    while at < end and 48 <= data[at] <= 57:
        at += 1
    return at


@compiled
def _number_end(data: NDArray[np.uint8], at: int, end: int) -> int:
    i = at + 1 if data[at] == 45 else at
    whole = _digits_end(data, i, end)
    if whole == i or (data[i] == 48 and whole > i + 1):
        return -1
    i = whole
    if i < end and data[i] == 46:
        fraction = _digits_end(data, i + 1, end)
        if fraction == i + 1:
            return -1
        i = fraction
    if i < end and (data[i] == 101 or data[i] == 69):
        i += 1
        if i < end and (data[i] == 43 or data[i] == 45):
            i += 1
        exponent = _digits_end(data, i, end)
        if exponent == i:
            return -1
        i = exponent
    return i


@compiled
def _is_word(data: NDArray[np.uint8], at: int, end: int, word: bytes) -> bool:
    if at + len(word) > end:
        return False
    for i in range(len(word)):  # noqa: SIM110 - compiled
        if data[at + i] != word[i]:
            return False
    return True


@compiled
def scalar_end(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Behind a string, number or literal; -1 where there is none."""
    c = data[at]
    if c == _QUOTE:
        return string_end(data, at, end)[0]
    if c == 45 or 48 <= c <= 57:
        return _number_end(data, at, end)
    if _is_word(data, at, end, b"true") or _is_word(data, at, end, b"null"):
        return at + 4
    return at + 5 if _is_word(data, at, end, b"false") else -1


@compiled
def key_end(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Behind the colon (and white space) of a key that begins at `at`; -1 where there is none."""
    if at >= end or data[at] != _QUOTE:
        return -1
    i = string_end(data, at, end)[0]
    if i < 0:
        return -1
    i = skip_space(data, i, end)
    if i >= end or data[i] != _COLON:
        return -1
    return skip_space(data, i + 1, end)


@compiled
def value_end(data: NDArray[np.uint8], at: int, end: int, stack: NDArray[np.bool_]) -> int:  # noqa: C901 - one compiled pass
    """Behind the value that begins at `at`; -1 where it is damaged. `stack`: room for `MAX_DEPTH` levels."""
    depth = 0
    i = at
    while True:
        if i >= end:
            return -1
        c = data[i]
        if c in (_OPEN, _OPEN_LIST):
            if depth == _DEPTH:
                return -1
            is_object = c == _OPEN
            stack[depth] = is_object
            depth += 1
            i = skip_space(data, i + 1, end)
            if i < end and data[i] == (_CLOSE if is_object else _CLOSE_LIST):
                depth -= 1
                i += 1
            else:
                if is_object:
                    i = key_end(data, i, end)
                    if i < 0:
                        return -1
                continue
        else:
            i = scalar_end(data, i, end)
            if i < 0:
                return -1
        # A value is over: what encloses it goes on, or is over too.
        while True:
            if depth == 0:
                return i
            i = skip_space(data, i, end)
            if i >= end:
                return -1
            c = data[i]
            if c == _COMMA:
                i = skip_space(data, i + 1, end)
                if stack[depth - 1]:
                    i = key_end(data, i, end)
                    if i < 0:
                        return -1
                break
            if c != (_CLOSE if stack[depth - 1] else _CLOSE_LIST):
                return -1
            depth -= 1
            i += 1


@compiled
def kind_of(data: NDArray[np.uint8], at: int, end: int) -> int:
    """The kind of the value `data[at:end]`."""
    c = data[at]
    if c == _QUOTE:
        for i in range(at, end):
            if data[i] == _BACKSLASH:
                return ESCAPED
        return PLAIN
    if c == _OPEN:
        return OBJECT
    if c == _OPEN_LIST:
        return ARRAY
    return NULL if c == 110 else OTHER
