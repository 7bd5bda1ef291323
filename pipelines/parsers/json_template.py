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

_QUOTE, _COLON = ord('"'), ord(":")

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


def find_key_ends(lines: Lines, template: Template) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where the keys of lines that match the template's pattern end: the positions of their closing quotes.

    Returns these for some lines (shape (keys, lines)), and which lines: those where a quote before a colon ends
    nothing but keys. In the others, rare ones, a value begins with a colon or holds a quote before one.
    """
    values = lines.bytes_array()
    ends = np.flatnonzero((values[:-1] == _QUOTE) & (values[1:] == _COLON))
    count = len(template.keys)
    first = np.searchsorted(ends, lines.starts)
    simple = np.searchsorted(ends, lines.ends) - first == count
    return ends[first[simple] + np.arange(count)[:, np.newaxis]], simple
