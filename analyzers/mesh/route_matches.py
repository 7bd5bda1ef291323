"""Whether a request takes an HTTP route of a VirtualService.

Source: istio/istio `pilot/pkg/networking/core/route/route.go` (TranslateRouteMatch, sourceMatchHTTP).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzers.mesh.matching import Answer, every, negated, some, string_match
from analyzers.mesh.objects import Json, integer, mapping, mappings, strings, text, texts
from analyzers.mesh.selectors import carries
from analyzers.mesh.virtual_services import MESH_GATEWAY, gateway_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.mesh.delegates import HttpRoute
    from analyzers.mesh.visibility import Proxy


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. Null stands for what is not known; `path` is without the query; `port` is the one dialled."""

    authority: str
    port: int = 80
    method: str | None = None
    path: str | None = None
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None
    scheme: str | None = None

    @property
    def host(self) -> str:
        """The authority without its port, in lower case."""
        name, colon, port = self.authority.lower().rpartition(":")
        return (name if colon and port.isdigit() else self.authority.lower()).rstrip(".")


def takes(route: HttpRoute, request: Request, client: Proxy, gateway: str = MESH_GATEWAY) -> Answer:
    """Whether a request of a client, at a gateway (`namespace/name`) or in the mesh, takes a route."""
    matches = [match for _, match in mappings(route.value.get("match"))]
    if not matches:
        return True
    return some(
        request_matches(match, request)
        for match in matches
        if source_matches(match, request.port, client, gateway, route.owner.namespace)
    )


def source_matches(match: Mapping[str, Json], port: int, client: Proxy, gateway: str, namespace: str) -> bool:
    """Whether a match is for a client's proxy and port at all; others get no route from it."""
    wanted = integer(match.get("port"))
    if wanted and wanted != port:
        return False
    gateways = [gateway_name(name, namespace) for name in texts(match.get("gateways"))]
    if gateways and gateway not in gateways:
        return False
    if gateway != MESH_GATEWAY:
        return True
    source = text(match.get("sourceNamespace"))
    return (not source or source == client.namespace) and carries(client.labels, strings(match.get("sourceLabels")))


def request_matches(match: Mapping[str, Json], request: Request) -> Answer:
    """Whether a request has all that a match asks of it."""
    ignore_case = bool(match.get("ignoreUriCase"))
    answers = [
        _one(match.get("uri"), request.path, ignore_case=ignore_case),
        _one(match.get("method"), request.method),
        _one(match.get("scheme"), request.scheme),
        _one(match.get("authority"), request.authority),
    ]
    answers += [_named(rule, name, request.headers) for name, rule in mapping(match.get("headers")).items()]
    answers += [
        negated(_named(rule, name, request.headers)) for name, rule in mapping(match.get("withoutHeaders")).items()
    ]
    answers += [
        _named(rule, name, request.query, fold=False) for name, rule in mapping(match.get("queryParams")).items()
    ]
    return every(answers)


def is_catch_all(match: Mapping[str, Json]) -> bool:
    """Whether a match takes every request of its proxies: nothing asked, or just the path prefix `/`."""
    asked = {key for key in match if key not in {"name", "statPrefix", "ignoreUriCase"} and match[key]}
    if asked - {"uri"}:
        return False
    uri = mapping(match.get("uri"))
    return not uri or uri.get("prefix") == "/" or uri.get("regex") in {".*", "/.*"}


def _one(rule: Json, value: str | None, *, ignore_case: bool = False) -> Answer:
    if not mapping(rule):
        return True
    return None if value is None else string_match(rule, value, ignore_case=ignore_case)


def _named(rule: Json, name: str, given: Mapping[str, str] | None, *, fold: bool = True) -> Answer:
    if given is None:
        return None
    known = {key.lower(): value for key, value in given.items()} if fold else given
    value = known.get(name.lower() if fold else name)
    return False if value is None else string_match(rule, value)
