"""EnvoyFilters whose patches are ignored, or whose effect depends on the order they happen to come in.

**What.** ADD or REMOVE on a route configuration or HTTP route, REPLACE on anything but a filter (ignored); relative
operations without a `priority`, and those that are tied to a proxy version, too.

**Why it matters.** An ignored patch changes nothing and says nothing. A relative one without a priority changes its
effect when another EnvoyFilter is added or, tied to a version, when proxies are upgraded.

**Evidence.** The operation and what it applies to.

**Fix.** Set `priority`, or use INSERT_FIRST or ADD where they fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, integer, mapping, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.analyzer import Code
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject

RELATIVE: Final = istio_code(
    151, "Relative patch without priority", "warning", "The order of relative patches is not guaranteed."
)
REPLACE: Final = istio_code(152, "REPLACE is ignored", "error", "REPLACE works on HTTP and network filters only.")
ADD: Final = istio_code(153, "ADD is ignored", "error", "ADD does nothing to route configurations and HTTP routes.")
REMOVE: Final = istio_code(
    154, "REMOVE is ignored", "error", "REMOVE does nothing to route configurations and HTTP routes."
)
VERSIONED: Final = istio_code(
    155,
    "Relative patch tied to a proxy version",
    "warning",
    "A relative patch without priority, of a filter that another patch ties to a proxy version.",
)

_ROUTES: Final = frozenset({"ROUTE_CONFIGURATION", "HTTP_ROUTE"})
#: What REPLACE works on. Istio's check does not know of the last one.
_REPLACEABLE: Final = frozenset({"HTTP_FILTER", "NETWORK_FILTER", "VIRTUAL_HOST", "LISTENER_FILTER"})
_RELATIVE: Final = frozenset({"INSERT_BEFORE", "INSERT_AFTER"})


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every patch, in the order of namespace and name."""
    versioned: set[str] = set()
    for item in mesh.of_kind("EnvoyFilter"):
        for position, patch in mappings(item.spec.get("configPatches")):
            if not isinstance(patch.get("patch"), dict):
                break  # istiod reads none behind it either
            name = _name(patch)
            is_versioned = name in versioned and (rules.istio or bool(name))
            replaceable = _REPLACEABLE - {"LISTENER_FILTER"} if rules.istio else _REPLACEABLE
            yield from _patch(item, position, patch, is_versioned=is_versioned, replaceable=replaceable)
            if text(at(patch, "match", "proxy", "proxyVersion")):
                versioned.add(name)


def _patch(
    item: MeshObject, position: int, patch: Mapping[str, Json], *, is_versioned: bool, replaceable: frozenset[str]
) -> Iterator[Finding]:
    operation = text(at(patch, "patch", "operation")) or "INVALID"
    target = text(patch.get("applyTo")) or "INVALID"
    code: Code | None = None
    message = f"{operation} on {target} is ignored"
    if operation == "ADD":
        code = ADD if target in _ROUTES else None
    elif operation == "REMOVE" and target in _ROUTES:
        code = REMOVE
    elif operation == "REPLACE" and target not in replaceable:
        code = REPLACE
    elif operation in {"REMOVE", "REPLACE", *_RELATIVE} and not integer(item.spec.get("priority")):
        code = VERSIONED if is_versioned else RELATIVE
        message = f"{operation} is relative, and no priority says when it is applied"
    if code is not None:
        yield finding(code, item, message, path=f"spec/configPatches[{position}]/patch/operation")


def _name(patch: Mapping[str, Json]) -> str:
    """The filter that a patch is about: by its value's name, else by its match."""
    value = mapping(at(patch, "patch", "value"))
    if not value:
        return ""
    if "name" in value:
        return str(value["name"])
    return text(at(patch, "match", "listener", "filterChain", "filter", "name")) or ""


ANALYZER: Final = configuration_analyzer(
    "envoy_filter_order",
    kinds=("EnvoyFilter",),
    codes=(RELATIVE, REPLACE, ADD, REMOVE, VERSIONED),
    check=check,
    documentation=__doc__ or "",
)
