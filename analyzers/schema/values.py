"""Single values against what a schema says of them: types, formats, patterns, bounds."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from analyzers.schema.rules import holds

if TYPE_CHECKING:
    from analyzers.schema.names import Value
    from analyzers.schema.structure import Structure

_TYPES: Final = {
    str: frozenset({"string"}),
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    dict: frozenset({"object"}),
    list: frozenset({"array"}),
    type(None): frozenset({"null"}),
}
_NUMBER: Final = frozenset({"number"})
_NOTHING: Final[frozenset[str]] = frozenset()
#: Format -> the least and greatest whole number of it.
_RANGES: Final = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1), "int64": (-(2**63), 2**63 - 1)}


def type_of(value: Value) -> frozenset[str]:
    """The types of OpenAPI that a value is of; a float without a fraction is an integer, too."""
    if isinstance(value, float):
        return _TYPES[int] if value.is_integer() else _NUMBER
    return _TYPES.get(type(value), _NOTHING)


def problem_of_scalar(value: Value, structure: Structure) -> str | None:
    """What is wrong with a text's or number's form; null where nothing is."""
    if isinstance(value, str):
        if structure.pattern is not None and holds(structure.pattern, value)[0] == "broken":
            return f"{value[:80]!r} does not match {structure.pattern_text}"
        parse = _FORMATS.get(structure.format)
        if parse is not None:
            try:
                parse(value)
            except ValueError:
                return f"{value[:80]!r} is no {structure.format}"
    elif structure.format in _RANGES and isinstance(value, int) and not isinstance(value, bool):
        low, high = _RANGES[structure.format]
        if not low <= value <= high:
            return f"{value} is no {structure.format}"
    return None


def problem_of_size(value: Value, structure: Structure) -> Iterator[str]:
    """The bounds that a value breaks."""
    for name, bound in structure.bounds:
        kind, unit = _MEASURED[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            continue
        given: float = value if unit is None else len(value)
        told = f"is {given}" if unit is None else f"has {given} {unit}"
        strictly = name in structure.exclusive
        if name == "multipleOf":
            if bound and given % bound:
                yield f"is {given}, no multiple of {bound:g}"
        elif name.startswith("min") and (given <= bound if strictly else given < bound):
            yield f"{told}, where {'more than' if strictly else 'at least'} {bound:g} is wanted"
        elif name.startswith("max") and (given >= bound if strictly else given > bound):
            yield f"{told}, where {'less than' if strictly else 'at most'} {bound:g} is allowed"


def repeated(entries: list[Value], keys: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Positions of entries that are there already, each with the position of the first; `keys` as in `Structure`."""
    first: dict[bytes, int] = {}
    for position, entry in enumerate(entries):
        identity = [entry.get(key) for key in keys] if keys and isinstance(entry, Mapping) else entry
        encoded = msgspec.json.encode(identity, order="sorted")
        if encoded in first:
            yield position, first[encoded]
        else:
            first[encoded] = position


def _byte(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _network(text: str) -> None:
    if "/" not in text:
        raise ValueError(text)
    ipaddress.ip_network(text, strict=False)


_FORMATS: Final[dict[str, Callable[[str], object]]] = {
    "byte": _byte,
    "cidr": _network,
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
}
#: Bound -> what has it, and what of that is counted; null for the value itself.
_MEASURED: Final[dict[str, tuple[Value, str | None]]] = {
    "minLength": (str, "characters"),
    "maxLength": (str, "characters"),
    "minItems": (list, "entries"),
    "maxItems": (list, "entries"),
    "minProperties": (Mapping, "members"),
    "maxProperties": (Mapping, "members"),
    "minimum": (int | float, None),
    "maximum": (int | float, None),
    "multipleOf": (int | float, None),
}
