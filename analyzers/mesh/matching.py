"""String matches of requests, with three answers: yes, no, and null for what the request does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from analyzers.mesh.objects import mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterable

#: True, false, or null where it cannot be known.
Answer: TypeAlias = bool | None


def every(answers: Iterable[Answer]) -> Answer:
    """Whether all hold: one no is enough for no, else one unknown for unknown."""
    found = list(answers)
    if False in found:
        return False
    return None if None in found else True


def some(answers: Iterable[Answer]) -> Answer:
    """Whether one holds: one yes is enough for yes, else one unknown for unknown."""
    found = list(answers)
    if True in found:
        return True
    return None if None in found else False


def negated(answer: Answer) -> Answer:
    """The opposite; what is unknown stays so."""
    return None if answer is None else not answer


def string_match(rule: object, value: str, *, ignore_case: bool = False) -> Answer:
    """Whether a StringMatch (`exact`, `prefix` or `regex`, of the whole value) holds; an empty one takes any value.

    An expression that RE2 does not know is unknown: istiod refuses it.
    """
    given = mapping(rule)
    exact, prefix, expression = text(given.get("exact")), text(given.get("prefix")), text(given.get("regex"))
    if ignore_case:
        value, exact, prefix = value.lower(), exact and exact.lower(), prefix and prefix.lower()
    if exact is not None:
        return value == exact
    if prefix is not None:
        return value.startswith(prefix)
    return True if expression is None else expression_match(expression, value)


def expression_match(expression: str, value: str) -> Answer:
    """Whether a regular expression takes in the whole of a value; RE2, in linear time whatever it says."""
    try:
        found = pc.match_substring_regex(pa.scalar(value), pattern=rf"\A(?:{expression})\z")
    except pa.ArrowInvalid:
        return None
    return bool(found.as_py())
