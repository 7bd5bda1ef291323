"""What istiod says of a PeerAuthentication and of a RequestAuthentication."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from analyzers.configuration.validation.headers import header_name
from analyzers.configuration.validation.problems import Problem, at
from analyzers.configuration.validation.shared import elements, match_labels, policy_selector
from analyzers.configuration.validation.values import duration
from analyzers.mesh.objects import mapping, mappings, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject

_MAX_PORT: Final = 65535


def peer_authentication(item: MeshObject) -> Problems:
    """Every problem of a PeerAuthentication."""
    selector, by_port = item.spec.get("selector"), item.spec.get("portLevelMtls")
    if not mapping(mapping(selector).get("matchLabels")) and mapping(by_port):
        yield Problem("spec/portLevelMtls", "ports can be set for selected workloads only")
    if by_port is not None and not mapping(by_port):
        yield Problem("spec/portLevelMtls", "portLevelMtls is empty")
    for number in mapping(by_port):
        if not number.isdigit() or not 0 < int(number) <= _MAX_PORT:
            yield Problem("spec/portLevelMtls", "a port must be in 1..65535")
    yield from match_labels(selector)


def request_authentication(item: MeshObject) -> Problems:
    """Every problem of a RequestAuthentication."""
    yield from policy_selector(item)
    for position, rule in mappings(item.spec.get("jwtRules")):
        yield from _rule(f"spec/jwtRules[{position}]", rule)


def _rule(path: str, rule: Mapping[str, Json]) -> Problems:
    for key, what in (("audiences", "an audience"), ("fromParams", "a parameter"), ("fromCookies", "a cookie")):
        for value in elements(rule.get(key)):
            if not value:
                yield Problem(f"{path}/{key}", f"the name of {what} cannot be empty")
    uri, keys = text(rule.get("jwksUri")) or "", text(rule.get("jwks")) or ""
    if not text(rule.get("issuer")) and not uri:
        yield Problem(path, "a rule needs an issuer or a jwksUri")
    if uri:
        yield from at(f"{path}/jwksUri", _uri(uri))
    if keys:
        yield from at(f"{path}/jwks", _key_set(keys))
    yield from _headers(path, rule)
    if rule.get("timeout") is not None:
        yield from at(f"{path}/timeout", duration(rule.get("timeout")))


def _headers(path: str, rule: Mapping[str, Json]) -> Problems:
    for value in elements(rule.get("fromHeaders")):
        if not text(mapping(value).get("name")):
            what = "may not be null" if value is None else "needs a name"
            yield Problem(f"{path}/fromHeaders", f"a header {what}")
    for value in elements(rule.get("outputClaimToHeaders")):
        claim, header = (text(mapping(value).get(key)) for key in ("claim", "header"))
        if value is None or not claim or not header:
            what = "may not be null" if value is None else "needs a header and a claim"
            yield Problem(f"{path}/outputClaimToHeaders", f"outputClaimToHeaders {what}")
        else:
            yield from at(f"{path}/outputClaimToHeaders", header_name(header))


def _uri(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return f"{value!r} is no URI"
    return None if parts.scheme in {"http", "https"} else f"URI scheme {parts.scheme!r} is not supported"


def _key_set(value: str) -> str | None:
    try:
        document = json.loads(value)
    except ValueError:
        return "jwks is no JSON"
    keys = mapping(document).get("keys", [document])
    is_set = isinstance(keys, list) and all(text(mapping(key).get("kty")) for key in keys)
    return None if is_set else "jwks is no set of keys"
