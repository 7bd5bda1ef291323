"""Rules and matches of a VirtualService that earlier ones leave nothing for.

Source: istio/istio `pkg/config/validation/validation.go` (`analyzeUnreachable...`, `coveredValidation`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.configuration.validation.problems import Problem
from analyzers.configuration.validation.shared import elements
from analyzers.mesh.objects import integer, mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json

#: Parts of a match that hold one match for each of several names.
_KEYED: Final = ("headers", "queryParams", "withoutHeaders")


@dataclass(frozen=True, slots=True)
class _Prefix:
    """A match of a URI prefix, as far as it is compared: everything beside the URI as `exact:...` or `prefix:...`."""

    path: str
    rule: str
    match: str
    prefix: str
    port: int
    single: tuple[str, ...]
    keyed: tuple[Mapping[str, str], ...]

    def covers(self, other: _Prefix) -> bool:
        """Whether this match, which comes first, leaves nothing for `other`, as istiod compares them."""
        if not other.prefix.startswith(self.prefix) or self.port != other.port:
            return False
        if not all(_begins(mine, theirs) for mine, theirs in zip(self.single, other.single, strict=True)):
            return False
        return all(
            mine.keys() == theirs.keys() and all(_begins(mine[key], theirs[key]) for key in mine)
            for mine, theirs in zip(self.keyed, other.keyed, strict=True)
        )


def _begins(mine: str, theirs: str) -> bool:
    return mine == theirs or mine.startswith(theirs)


def unreachable(spec: Mapping[str, Json]) -> Problems:
    """Every such rule and match of the HTTP, TCP and TLS routes."""
    for protocol in ("http", "tcp", "tls"):
        routes = elements(spec.get(protocol))
        yield from _repeated(f"spec/{protocol}", routes)
        if protocol == "http":
            yield from _covered(list(_prefixes(routes)))


def _repeated(path: str, routes: Sequence[Json]) -> Problems:
    known: dict[str, int] = {}
    catch_all = False
    for number, route in enumerate(routes):
        if route is None:
            continue
        name, where = _name(route, number), f"{path}[{number}]"
        matches = elements(mapping(route).get("match"))
        if not matches:
            if catch_all:
                yield Problem(where, f"rule {name}: only the last rule can have no match", "unreachable")
            catch_all = True
            continue
        duplicates = 0
        for position, match in enumerate(matches):
            if catch_all:
                yield Problem(where, f"rule {name} comes after one without a match", "unreachable")
                continue
            key = _key(match)
            if key in known:
                duplicates += 1
                earlier = _name(routes[known[key]], known[key])
                message = f"match {_name(match, position)} of rule {name} is that of rule {earlier}"
                yield Problem(f"{where}/match[{position}]", message, "ineffective")
            else:
                known[key] = number
        if duplicates == len(matches):
            yield Problem(where, f"rule {name}: earlier rules have all its matches", "unreachable")


def _prefixes(routes: Sequence[Json]) -> Iterable[_Prefix]:
    """The prefix matches in order, repeated ones and those behind a rule without a match left out."""
    known: set[str] = set()
    for number, route in enumerate(routes):
        if route is None:
            continue
        matches = elements(mapping(route).get("match"))
        if not matches:
            return
        for position, match in enumerate(matches):
            given = mapping(match)
            prefix = text(mapping(given.get("uri")).get("prefix"))
            if prefix and _key(match) not in known:
                yield _Prefix(
                    path=f"spec/http[{number}]/match[{position}]",
                    rule=_name(route, number),
                    match=_name(match, position),
                    prefix=prefix,
                    port=integer(given.get("port")) or 0,
                    single=(_text_match(given.get("method")) or "exact:GET", _text_match(given.get("authority"))),
                    keyed=tuple(
                        {key: _text_match(value) for key, value in mapping(given.get(part)).items()} for part in _KEYED
                    ),
                )
            known.add(_key(match))


def _covered(found: Sequence[_Prefix]) -> Problems:
    for position, first in enumerate(found):
        for later in found[position + 1 :]:
            if later.prefix != first.prefix and first.covers(later):
                message = (
                    f"match {later.match} of prefix {later.prefix} of rule {later.rule} comes after match {first.match}"
                    f" of prefix {first.prefix} of rule {first.rule}"
                )
                yield Problem(later.path, message, "ineffective")


def _text_match(value: Json) -> str:
    for kind in ("exact", "prefix"):
        given = text(mapping(value).get(kind))
        if given:
            return f"{kind}:{given}"
    return ""


def _name(value: Json, position: int) -> str:
    name = text(mapping(value).get("name"))
    return json.dumps(name) if name else f"#{position}"


def _key(match: Json) -> str:
    """What tells matches apart: all but their names."""
    return json.dumps({key: value for key, value in mapping(match).items() if key != "name"}, sort_keys=True)
