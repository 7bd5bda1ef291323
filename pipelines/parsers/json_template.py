"""What JSON log lines have in common: the text between their values.

Envoy writes an access log's keys in one order, so nearly all lines of a file are alike but for the values, and but for
keys that are left out where there is nothing to say (`omit_empty_values`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from pipelines.parsers.log_layout import LONGEST_PATH, MOST_LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SCALAR: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[a-z0-9+.E-]+')
_PLAIN_KEY: Final = re.compile(rb'"[\x20\x21\x23-\x5b\x5d-\x7e]*"')
_CONTROL: Final = re.compile(rb"[\x00-\x1f]")
_MOST_KEYS: Final = 96
_PADDING: Final = bytes(64)


@dataclass(frozen=True, slots=True)
class Template:
    """Keys by path, and the text before each value and after the last.

    Where `skips`, the lines are flat and compact, `literals` are `"key":` alone, and any key may be missing.
    """

    paths: tuple[str, ...]
    literals: tuple[bytes, ...]
    skips: bool

    def packed(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The literals one after another, padded, and where each begins."""
        offsets = np.cumsum([0, *map(len, self.literals)], dtype=np.int64)
        return np.frombuffer(b"".join(self.literals) + _PADDING, np.uint8), offsets


def learn_template(lines: Sequence[bytes]) -> Template | None:
    """A template that the first of some lines fits, and those others that have the same keys, or some of them."""
    first = _template_of(lines[0]) if lines else None
    if first is None or not _is_compact(first):
        return first
    keys = list(first.paths)
    for line in lines[1:]:
        other = _template_of(line)
        if other is not None and _is_compact(other):
            keys = _merged(keys, other.paths)
    return Template(tuple(keys), (*(b'"%s":' % key.encode() for key in keys), b""), skips=True)


def _is_compact(template: Template) -> bool:
    """Whether the lines are flat and have no white space."""
    expected = [_separated(place, path) for place, path in enumerate(template.paths)]
    return template.literals == (*expected, b"}")


def _separated(place: int, key: str) -> bytes:
    return b'%s"%s":' % (b"," if place else b"{", key.encode())


def _merged(keys: list[str], others: Sequence[str]) -> list[str]:
    """Both in an order that suits both; the first alone where there is none."""
    merged = list(keys)
    place = 0
    for key in others:
        if key in merged:
            found = merged.index(key)
            if found < place:
                return keys
            place = found + 1
        else:
            merged.insert(place, key)
            place += 1
    return merged if len(merged) <= _MOST_KEYS else keys


def _template_of(line: bytes) -> Template | None:
    """The template of lines that have just these keys; None for other than objects of scalars, and odd keys."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    paths: list[str] = []
    literals: list[bytes] = []
    over = 0
    for found in _members(line):
        if found is None or len(paths) == _MOST_KEYS:
            return None
        path, start, end = found
        paths.append(path)
        literals.append(line[over:start])
        over = end
    literals.append(line[over:])
    odd = any(_CONTROL.search(literal) for literal in literals) or len(set(paths)) < len(paths)
    return None if odd or not paths else Template(tuple(paths), tuple(literals), skips=False)


def _members(line: bytes) -> Iterator[tuple[str, int, int] | None]:
    """Path, start and end of each scalar of a valid object; None where there is something that has no template."""
    prefixes = [""]
    at = line.index(b"{") + 1
    while prefixes:
        at = _skip(line, at, b" ,")
        if line[at : at + 1] == b"}":
            prefixes.pop()
            at += 1
            continue
        key = _STRING.match(line, at)
        if key is None or _PLAIN_KEY.fullmatch(key.group()) is None:
            yield None
            return
        path = prefixes[-1] + key.group()[1:-1].decode()
        at = _skip(line, key.end(), b" :")
        if line[at : at + 1] == b"{":
            if (
                len(prefixes) >= MOST_LEVELS
                or len(path) > LONGEST_PATH
                or line[_skip(line, at + 1, b" ") :][:1] == b"}"
            ):
                yield None
                return
            prefixes.append(path + ".")
            at += 1
            continue
        scalar = _SCALAR.match(line, at)
        if scalar is None:
            yield None
            return
        yield path, at, scalar.end()
        at = scalar.end()


def _skip(line: bytes, at: int, skipped: bytes) -> int:
    while line[at : at + 1] and line[at] in skipped:
        at += 1
    return at
