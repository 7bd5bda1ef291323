"""Destinations of routes, their weights and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.configuration.validation.headers import operations
from analyzers.configuration.validation.problems import Problem, at
from analyzers.configuration.validation.shared import elements
from analyzers.configuration.validation.values import is_label, port, wildcard_domain
from analyzers.mesh.objects import integer, mapping, number, text

if TYPE_CHECKING:
    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json


def destination(path: str, value: Json) -> Problems:
    """One destination, where there is one: host, subset, port."""
    if value is None:
        return
    host = text(mapping(value).get("host")) or ""
    yield from at(f"{path}/host", "the host * is no destination" if host == "*" else wildcard_domain(host))
    subset = text(mapping(value).get("subset"))
    if subset:
        yield from at(f"{path}/subset", subset_name(subset))
    if mapping(value).get("port") is not None:
        yield from at(f"{path}/port/number", port(integer(mapping(mapping(value).get("port")).get("number")) or 0))


def subset_name(name: str) -> str | None:
    """The name of a subset."""
    if not name:
        return "the name of a subset cannot be empty"
    return None if is_label(name) else f"invalid name {name!r} of a subset"


def route_destinations(path: str, value: Json, *, has_headers: bool = False) -> Problems:
    """The destinations of a route, with their weights and, of HTTP routes, headers."""
    given = elements(value)
    total = 0
    for position, entry in enumerate(given):
        where = f"{path}[{position}]"
        if entry is None:
            yield Problem(where, "a destination may not be null")
            continue
        target = mapping(entry).get("destination")
        if target is None:
            yield Problem(where, "a destination is needed")
        if has_headers:
            yield from operations(f"{where}/headers", mapping(entry).get("headers"))
        yield from destination(f"{where}/destination", target)
        weight = integer(mapping(entry).get("weight")) or 0
        if weight < 0:
            yield Problem(f"{where}/weight", f"weight {weight} is negative")
        total += weight
    if len(given) > 1 and total == 0:
        yield Problem(path, "the weights of the destinations add up to 0")


def mirrors(path: str, value: Json) -> Problems:
    """The destinations that requests are mirrored to."""
    for position, entry in enumerate(elements(value)):
        where = f"{path}[{position}]"
        if entry is None:
            yield Problem(where, "a mirror may not be null")
        elif mapping(entry).get("destination") is None:
            yield Problem(where, "a mirror needs a destination")
        else:
            yield from destination(f"{where}/destination", mapping(entry).get("destination"))
            share = number(mapping(mapping(entry).get("percentage")).get("value")) or 0
            if not 0 <= share <= 100:
                yield Problem(f"{where}/percentage", f"percentage {share} is not in 0..100")
