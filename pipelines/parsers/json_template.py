"""JSON log lines by template: one linear regular expression for lines that have the same keys in the same order.

Envoy writes an access log's keys in one order, so nearly all lines of a file fit the template of any one of them.
What fits is a whole JSON object of plain values, valid UTF-8 with valid escapes, its fields within their rules. What
does not fit (white space between tokens, nested values, repeated keys, faults) is left to a JSON parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from pipelines.parsers import access_log_patterns as fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pipelines.parsers.lines import Lines

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.@/-]{1,128}")
_MOST_KEYS = 64

_QUOTE, _BACKSLASH, _COLON = (ord(character) for character in '"\\:')

# Two-, three- and four-byte UTF-8, without overlong forms and surrogates.
_UTF_8 = (
    r"[\xc2-\xdf][\x80-\xbf]|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]"
    r"|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}"
)
_HEX = "[0-9A-Fa-f]"
# \u escapes of two surrogates are one character; a surrogate alone is none.
_ESCAPE = (
    rf"\\(?:[\"\\/bfnrt]|u(?:[0-9A-CE-Fa-ce-f]{_HEX}{{3}}|[Dd][0-7]{_HEX}{{2}}"
    rf"|[Dd][89ABab]{_HEX}{{2}}\\u[Dd][C-Fc-f]{_HEX}{{2}}))"
)
_STRING = rf"\"(?:[\x20\x21\x23-\x5b\x5d-\x7f]|{_UTF_8}|{_ESCAPE})*\""
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?"

#: A string or null.
TEXT_VALUE = rf"(?:{_STRING}|null)"
#: A whole number of at most 18 digits, as a number or a string; or null or "-".
COUNT_VALUE = rf"(?:0|[1-9][0-9]{{0,17}}|\"{fields.COUNT_OR_DASH}\"|null)"
#: Any value that holds no others.
SCALAR_VALUE = rf"(?:{_STRING}|{_NUMBER}|null|true|false)"


@dataclass(frozen=True, slots=True)
class Template:
    """Keys in their order, and the RE2 pattern (over bytes) of a whole line that has exactly these."""

    keys: tuple[str, ...]
    pattern: str


@dataclass(frozen=True, slots=True)
class Members:
    """Where the members of some lines are: quotes that begin or end strings, one more position after the last, and
    which of them end each key (shape (keys, lines)).
    """

    quotes: NDArray[np.int64]
    key_ends: NDArray[np.int64]


def learn_template(line: bytes, values: Mapping[str, str]) -> Template | None:
    """The template of lines like this one, or None where it is no JSON object or has keys out of the ordinary.

    `values` gives the pattern of a key's value; other keys may have any value that is not nested.
    """
    try:
        members = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    keys = tuple(members)
    if not 0 < len(keys) <= _MOST_KEYS or not all(_PLAIN_KEY.fullmatch(key) for key in keys):
        return None
    parts = (f'"{re.escape(key)}":{values.get(key, SCALAR_VALUE)}' for key in keys)
    return Template(keys, rf"\A\{{{','.join(parts)}\}}\z")


def find_members(lines: Lines, template: Template) -> Members:
    """Finds keys and values of lines that all match the template's pattern."""
    values = lines.bytes_array()
    quotes = _string_quotes(values, lines)
    closing = np.arange(1, len(quotes), 2)
    key_ends = closing[values[quotes[closing] + 1] == _COLON].reshape(len(lines), len(template.keys))
    return Members(quotes, np.ascontiguousarray(key_ends.T))


def _string_quotes(values: NDArray[np.uint8], lines: Lines) -> NDArray[np.int64]:
    """Positions of the quotes that begin and end strings, in these lines only, and one more after them.

    A quote after an odd run of backslashes is part of a string.
    """
    quotes = np.flatnonzero(values == _QUOTE)
    backslashes = np.flatnonzero(values == _BACKSLASH)
    if len(backslashes):
        begins = np.diff(backslashes, prepend=-2) != 1
        run_starts = backslashes[np.maximum.accumulate(np.where(begins, np.arange(len(backslashes)), 0))]
        escaped = backslashes[(backslashes - run_starts) % 2 == 0] + 1
        quotes = quotes[~np.isin(quotes, escaped, assume_unique=True)]
    first = np.searchsorted(quotes, lines.starts)
    counts = np.searchsorted(quotes, lines.ends) - first
    if counts.sum() < len(quotes):
        before = np.cumsum(counts) - counts
        quotes = quotes[np.arange(int(counts.sum())) + np.repeat(first - before, counts)]
    return np.append(quotes, lines.ends[-1:])
