"""What istiod says of an EnvoyFilter, short of what only Envoy's own schema tells.

istiod also builds Envoy's object from each patch value; that needs all of Envoy's API and is left to the proxy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.validation.problems import Problem, doubt
from analyzers.configuration.validation.shared import elements, selector_problems
from analyzers.configuration.validation.values import regular_expression
from analyzers.mesh.objects import at, mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject

_OF_LISTENERS: Final = frozenset({"LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER"})
#: What a patch applies to -> the part of `match` that goes with it.
_MATCHES: Final = {
    **dict.fromkeys(_OF_LISTENERS, "listener"),
    **dict.fromkeys(("ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"), "routeConfiguration"),
    "CLUSTER": "cluster",
}
_TYPES: Final = ("listener", "routeConfiguration", "cluster", "waypoint")
_TYPED: Final = frozenset({"NETWORK_FILTER", "HTTP_FILTER", "LISTENER_FILTER", "EXTENSION_CONFIG"})
_MANAGERS: Final = frozenset({"envoy.filters.network.http_connection_manager", "envoy.http_connection_manager"})
_EXPOSED: Final = "EnvoyFilter exposes internals of proxies, which may change at any time: prefer other APIs"


def envoy_filter(item: MeshObject) -> Problems:
    """Every problem of an EnvoyFilter; a bad selector is the only one that istiod tells. All are doubtful to it."""
    selector = item.spec.get("workloadSelector")
    refused = list(selector_problems("spec/workloadSelector", selector, "labels"))
    if refused:
        yield from refused
        return
    yield Problem("spec", _EXPOSED, "advice")
    if selector is not None and not mapping(mapping(selector).get("labels")):
        yield doubt("spec/workloadSelector", "a workload selector without labels selects the whole namespace")
    for position, patch in enumerate(elements(item.spec.get("configPatches"))):
        path = f"spec/configPatches[{position}]"
        if patch is None:
            yield Problem(path, "a patch may not be null")
        else:
            yield from _patch(path, mapping(patch))


def _patch(path: str, patch: Mapping[str, Json]) -> Problems:
    target = text(patch.get("applyTo")) or "INVALID"
    operation, value = (at(patch, "patch", key) for key in ("operation", "value"))
    if target == "INVALID":
        yield Problem(path, "applyTo is missing")
    elif patch.get("patch") is None:
        yield Problem(path, "patch is missing")
    elif operation in {None, "INVALID"}:
        yield Problem(f"{path}/patch", "the operation of the patch is missing")
    elif operation != "REMOVE" and value is None:
        yield Problem(f"{path}/patch", "the value of the patch is missing")
    else:
        version = text(at(patch, "match", "proxy", "proxyVersion"))
        problem = regular_expression(version, "proxyVersion") if version else None
        if problem is not None:
            yield Problem(f"{path}/match/proxy/proxyVersion", problem)
        else:
            problems = list(_match(f"{path}/match", target, mapping(patch.get("match"))))
            yield from problems
            is_refused = target in _OF_LISTENERS and any(found.weight == "invalid" for found in problems)
            if not is_refused and target in _TYPED and value is not None:
                yield from _typed(f"{path}/patch/value", mapping(value))


def _typed(path: str, value: Mapping[str, Json]) -> Problems:
    keys = ("typed_config", "typedConfig", "config_discovery", "configDiscovery")
    if not any(key in value for key in keys):
        yield doubt(path, f"{text(value.get('name')) or ''} has no typed_config: extensions go by type, not by name")


def _match(path: str, target: str, match: Mapping[str, Json]) -> Problems:
    wanted = _MATCHES.get(target)
    given = next((key for key in _TYPES if key in match), None)
    if wanted is None or given is None:
        return
    if given != wanted:
        yield Problem(path, f"{target} goes with a match of {wanted}, not of {given}")
        return
    selected = at(match, "listener", "filterChain", "filter")
    if wanted != "listener" or selected is None:
        return
    where, name = f"{path}/listener/filterChain/filter", text(at(selected, "name")) or ""
    if target in {"LISTENER", "FILTER_CHAIN"}:
        yield doubt(where, f"a match of a filter has no effect on {target}")
    if not name:
        yield Problem(where, "the match of a filter names none")
    elif at(selected, "subFilter") is not None:
        if target != "HTTP_FILTER":
            yield Problem(where, "subFilter goes with HTTP_FILTER only")
        elif name not in _MANAGERS:
            yield Problem(where, "subFilter goes with the HTTP connection manager only")
        elif not text(at(selected, "subFilter", "name")):
            yield Problem(where, "the match of a subFilter names none")
