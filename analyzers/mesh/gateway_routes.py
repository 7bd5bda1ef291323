"""HTTPRoutes and GRPCRoutes of the Gateway API as istiod turns them into routes of a Service or a Gateway.

Matches of all routes of one parent are sorted by how narrow they are: exact path, longer prefix, method, headers,
query parameters, age, name. Source: https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule and istio/istio
`pilot/pkg/config/kube/gateway/conversion.go` (sortHTTPRoutes).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.mesh.matching import Answer, every, expression_match
from analyzers.mesh.objects import Json, mapping, mappings, text, texts
from analyzers.mesh.services import age_order, is_selected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

ROUTE_KINDS: Final = ("HTTPRoute", "GRPCRoute")
_EVERYTHING: Final[Mapping[str, Json]] = {}


@dataclass(frozen=True, slots=True)
class GatewayRoute:
    """One match of one rule of a route, in the order in which proxies try them. `hostnames` is empty for all."""

    item: MeshObject
    path: str
    rule: Mapping[str, Json]
    match: Mapping[str, Json]
    hostnames: tuple[str, ...]

    def matches(
        self, method: str | None, path: str | None, headers: Mapping[str, str] | None, query: Mapping[str, str] | None
    ) -> Answer:
        """Whether a request matches; null in place of what is not known of it."""
        wanted = self.match
        if self.item.kind == "GRPCRoute":
            return every((_grpc_method(wanted.get("method"), path), _values(wanted.get("headers"), headers)))
        return every(
            (
                _path(wanted.get("path"), path),
                _method(text(wanted.get("method")), method),
                _values(wanted.get("headers"), headers),
                _values(wanted.get("queryParams"), query),
            )
        )


class GatewayRoutes:
    """All routes of a cluster by what they are attached to. Get it with `gateway_routes_of`."""

    def __init__(self, mesh: Mesh, cluster: str) -> None:
        by_parent: defaultdict[tuple[str, str, str], list[GatewayRoute]] = defaultdict(list)
        items = [item for kind in ROUTE_KINDS for item in mesh.of_kind(kind, cluster=cluster)]
        for item in items:
            if is_selected(mesh, item.namespace, cluster):
                routes = list(_routes(item))
                for _, parent in mappings(item.spec.get("parentRefs")):
                    kind = text(parent.get("kind")) or "Gateway"
                    namespace = text(parent.get("namespace")) or item.namespace
                    by_parent[kind, namespace, text(parent.get("name")) or ""] += routes
        self._by_parent = {parent: tuple(sorted(found, key=_narrowness)) for parent, found in by_parent.items()}

    def of(self, kind: str, namespace: str, name: str) -> tuple[GatewayRoute, ...]:
        """The routes attached to a Gateway, Service or ServiceEntry, the narrowest first."""
        return self._by_parent.get((kind, namespace, name), ())


def gateway_routes_of(mesh: Mesh, cluster: str = "") -> GatewayRoutes:
    """The routes of a cluster, read once."""
    return mesh.cached(f"gateway routes {cluster}", lambda known: GatewayRoutes(known, cluster))


def _routes(item: MeshObject) -> list[GatewayRoute]:
    hostnames = tuple(name.lower() for name in texts(item.spec.get("hostnames")))
    found: list[GatewayRoute] = []
    for number, rule in mappings(item.spec.get("rules")):
        matches = [(f"/matches[{place}]", match) for place, match in mappings(rule.get("matches"))]
        for suffix, match in matches or [("", _EVERYTHING)]:
            found.append(GatewayRoute(item, f"spec/rules[{number}]{suffix}", rule, match, hostnames))
    return found


def _narrowness(route: GatewayRoute) -> tuple[object, ...]:
    path = mapping(route.match.get("path"))
    value = text(path.get("value")) or "/"
    kind = text(path.get("type")) or "PathPrefix"
    return (
        {"Exact": 0, "RegularExpression": 2}.get(kind, 1),
        -len(value),
        not route.match.get("method"),
        -len(list(mappings(route.match.get("headers")))),
        -len(list(mappings(route.match.get("queryParams")))),
        age_order(route.item),
    )


def _path(wanted: Json, path: str | None) -> Answer:
    given = mapping(wanted)
    kind, value = text(given.get("type")) or "PathPrefix", text(given.get("value")) or "/"
    if kind == "PathPrefix" and value == "/":
        return True
    if path is None:
        return None
    if kind == "Exact":
        return path == value
    if kind == "RegularExpression":
        return expression_match(value, path)
    prefix = value.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/")


def _method(wanted: str | None, method: str | None) -> Answer:
    if wanted is None:
        return True
    return None if method is None else wanted == method


def _grpc_method(wanted: Json, path: str | None) -> Answer:
    given = mapping(wanted)
    if not given:
        return True
    if path is None:
        return None
    service, _, method = path.removeprefix("/").partition("/")
    is_expression = text(given.get("type")) == "RegularExpression"
    named = ((text(given.get("service")), service), (text(given.get("method")), method))
    return every(
        expression_match(expected, value) if is_expression else expected == value
        for expected, value in named
        if expected
    )


def _values(wanted: Json, given: Mapping[str, str] | None) -> Answer:
    listed = [item for _, item in mappings(wanted)]
    if not listed:
        return True
    if given is None:
        return None
    lowered = {name.lower(): value for name, value in given.items()}
    return every(_value(item, lowered.get((text(item.get("name")) or "").lower())) for item in listed)


def _value(wanted: Mapping[str, Json], value: str | None) -> Answer:
    if value is None:
        return False
    expected = text(wanted.get("value")) or ""
    if text(wanted.get("type")) == "RegularExpression":
        return expression_match(expected, value)
    return value == expected
