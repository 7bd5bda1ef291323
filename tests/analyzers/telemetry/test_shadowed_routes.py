"""Logged requests tried on the routes of a VirtualService, in order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.analyses import found
from tests.support.calls import HOST, call
from tests.support.rows import mesh_object


def route(match: dict[str, Any] | None, subset: str) -> dict[str, Any]:
    value: dict[str, Any] = {"route": [{"destination": {"host": "cart", "subset": subset}}]}
    return value if match is None else value | {"match": [match]}


def prefix(path: str, **more: object) -> dict[str, Any]:
    return {"uri": {"prefix": path}, **more}


def shadowed(
    *routes: dict[str, Any], path: str = "/api/v2/items?page=3", **spec: object
) -> list[tuple[str | None, object]]:
    body = {"spec": {"hosts": ["cart"], "http": list(routes), **spec}}
    item = mesh_object("networking.istio.io/v1", "VirtualService", "shop", "cart", body)
    calls = [call(second, path=path, method="GET") for second in range(10)]
    findings = found("shadowed_routes", calls, mesh_objects=[item.values])
    assert all(finding.edges[0].callee == HOST for finding in findings)
    return [(finding.path, finding.evidence["calls"]) for finding in findings]


def test_a_broad_prefix_above_a_narrow_one() -> None:
    assert shadowed(route(prefix("/api"), "v1"), route(prefix("/api/v2"), "v2")) == [("spec/http[1]", 10)]
    assert shadowed(route(prefix("/api/v2"), "v2"), route(prefix("/api"), "v1")) == []


def test_a_route_without_a_match_above() -> None:
    assert shadowed(route(None, "v1"), route({"uri": {"exact": "/api/v2/items"}}, "v2")) == [("spec/http[1]", 10)]


@pytest.mark.parametrize(
    "narrow",
    [
        prefix("/api/v2", headers={"x-user": {"exact": "me"}}),
        prefix("/api/v2", method={"exact": "POST"}),
        prefix("/shop"),
    ],
)
def test_what_does_not_surely_match_is_not_shadowed(narrow: dict[str, Any]) -> None:
    assert shadowed(route(prefix("/api"), "v1"), route(narrow, "v2")) == []


def test_a_route_above_that_asks_for_headers_may_have_taken_them() -> None:
    by_header = route({"headers": {"x-user": {"exact": "me"}}}, "v3")
    assert shadowed(by_header, route(prefix("/api"), "v1"), route(prefix("/api/v2"), "v2")) == []


def test_a_gateways_route_is_none_of_the_mesh() -> None:
    assert shadowed(route(prefix("/api"), "v1"), route(prefix("/api/v2"), "v2"), gateways=["edge"]) == []
