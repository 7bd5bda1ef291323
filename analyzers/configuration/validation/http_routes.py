"""HTTP routes of a VirtualService: matches, and what conflicts with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.configuration.validation.destinations import destination, mirrors, route_destinations
from analyzers.configuration.validation.headers import is_authority, matched_name, operations
from analyzers.configuration.validation.http_actions import (
    cors,
    direct_response,
    fault,
    redirect,
    retries,
    rewrite,
    string_match,
    string_regex,
)
from analyzers.configuration.validation.problems import Problem, at, doubt, refusals
from analyzers.configuration.validation.shared import elements, gateway_names, label_problems
from analyzers.configuration.validation.values import duration, is_label, port
from analyzers.mesh.objects import integer, mapping, mappings, number, strings, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json

_PERCENT = 100


def http_route(path: str, route: Mapping[str, Json], *, is_delegate: bool) -> Problems:
    """Every problem of one HTTP route."""
    yield from _conflicts(path, route, is_delegate=is_delegate)
    yield from refusals(_matches(f"{path}/match", route.get("match")))
    yield from operations(f"{path}/headers", route.get("headers"))
    yield from cors(f"{path}/corsPolicy", route.get("corsPolicy"))
    yield from refusals(fault(f"{path}/fault", route.get("fault")))
    yield from _mirror_shares(path, route)
    yield from destination(f"{path}/mirror", route.get("mirror"))
    yield from mirrors(f"{path}/mirrors", route.get("mirrors"))
    yield from redirect(f"{path}/redirect", route.get("redirect"))
    yield from direct_response(f"{path}/directResponse", route.get("directResponse"))
    yield from retries(f"{path}/retries", route.get("retries"))
    yield from rewrite(f"{path}/rewrite", route.get("rewrite"))
    yield from _authority(path, route)
    yield from route_destinations(f"{path}/route", route.get("route"), has_headers=True)
    if route.get("timeout") is not None:
        yield from at(f"{path}/timeout", duration(route.get("timeout")))


def _mirror_shares(path: str, route: Mapping[str, Json]) -> Problems:
    if route.get("mirrorPercent") is not None:
        if (integer(route.get("mirrorPercent")) or 0) > _PERCENT:
            yield Problem(f"{path}/mirrorPercent", f"mirrorPercent {route['mirrorPercent']} is above 100")
        yield doubt(f"{path}/mirrorPercent", "mirrorPercent is deprecated; use mirrorPercentage")
    share = number(mapping(route.get("mirrorPercentage")).get("value")) or 0
    if not 0 <= share <= _PERCENT:
        yield Problem(f"{path}/mirrorPercentage", f"mirrorPercentage {share} is not in 0..100")


def _authority(path: str, route: Mapping[str, Json]) -> Problems:
    """The host may be rewritten in one place only."""
    current = text(mapping(route.get("rewrite")).get("authority")) or ""
    request = mapping(mapping(route.get("headers")).get("request"))
    for operation in ("set", "add"):
        for name, value in strings(request.get(operation)).items():
            if is_authority(name):
                if current:
                    yield Problem(f"{path}/headers/request/{operation}", f"the host is set to {current} and {value}")
                    return
                current = value


def _matches(path: str, value: Json) -> Problems:
    for position, match in mappings(value):
        where = f"{path}[{position}]"
        for name, header in mapping(match.get("headers")).items():
            if header is None:
                yield Problem(f"{where}/headers", f"the match of header {name} may not be null")
            yield from at(f"{where}/headers", matched_name(name))
            yield from at(f"{where}/headers", string_match(header, "headers"))
        for name, header in mapping(match.get("withoutHeaders")).items():
            yield from at(f"{where}/withoutHeaders", matched_name(name))
            if header is not None and mapping(header).get("regex") != "*":
                yield from at(f"{where}/withoutHeaders", string_match(header, "withoutHeaders"))
        yield from at(f"{where}/uri", string_regex(match.get("uri"), "uri"))
        for key in ("scheme", "method", "authority"):
            yield from at(f"{where}/{key}", string_match(match.get(key), key))
        for given in mapping(match.get("queryParams")).values():
            yield from at(f"{where}/queryParams", string_match(given, "queryParams"))
        yield from _place(where, match)


def _place(where: str, match: Mapping[str, Json]) -> Problems:
    number_given = integer(match.get("port")) or 0
    if number_given:
        yield from at(f"{where}/port", port(number_given))
    yield from label_problems(f"{where}/sourceLabels", match.get("sourceLabels"))
    yield from gateway_names(f"{where}/gateways", texts(match.get("gateways")))
    namespace = text(match.get("sourceNamespace"))
    if namespace and not is_label(namespace):
        yield Problem(f"{where}/sourceNamespace", f"{namespace} is no namespace")


def _conflicts(path: str, route: Mapping[str, Json], *, is_delegate: bool) -> Problems:
    has_delegate = route.get("delegate") is not None
    if has_delegate and not is_delegate:
        name = text(route.get("name")) or ""
        for key in ("redirect", "route"):
            if route.get(key) is not None:
                yield Problem(f"{path}/{key}", f"route {name} delegates and must have no {key}")
        return
    if has_delegate:
        yield Problem(f"{path}/delegate", "a delegate's route cannot delegate")
    yield from _actions(path, route)


def _actions(path: str, route: Mapping[str, Json]) -> Problems:
    has_routes = bool(elements(route.get("route")))
    answers = next((key for key in ("redirect", "directResponse") if route.get(key) is not None), None)
    if answers is not None:
        if has_routes:
            yield Problem(f"{path}/route", f"a route cannot have both destinations and {answers}")
        for key in ("fault", "rewrite"):
            if route.get(key) is not None:
                yield Problem(f"{path}/{key}", f"a route cannot have both {key} and {answers}")
        if answers == "redirect" and route.get("directResponse") is not None:
            yield Problem(f"{path}/directResponse", "a route cannot have both directResponse and redirect")
    elif not has_routes:
        yield Problem(path, "a route needs a destination, redirect or directResponse")
    if route.get("mirror") is not None and elements(route.get("mirrors")):
        yield Problem(f"{path}/mirrors", "a route cannot have both mirror and mirrors")
