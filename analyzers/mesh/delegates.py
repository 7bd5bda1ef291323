"""HTTP routes of a VirtualService with the routes of its delegates in their places.

Source: istio/istio `pilot/pkg/model/virtualservice.go` (mergeHTTPRoutes): a delegate's match must be narrower than the
root's; what the delegate leaves out it takes from the root; a delegate's own delegation is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.mesh.exports import EVERYWHERE, exported_to
from analyzers.mesh.objects import Json, integer, mapping, mappings, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analyzers.mesh.objects import MeshObject

_INHERITED: Final = (
    "rewrite",
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrorPercent",
    "mirrorPercentage",
    "mirrors",
    "corsPolicy",
    "headers",
)
_STRINGS: Final = ("uri", "scheme", "method", "authority")
_MAPS: Final = ("headers", "withoutHeaders", "queryParams")


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One HTTP route: its value after merging, and the object and place that it is written in.

    Short names in it are of `owner`'s namespace.
    """

    value: Mapping[str, Json]
    owner: MeshObject
    path: str


def merged_routes(
    root: MeshObject, delegates: Mapping[tuple[str, str], MeshObject], default_export_to: Sequence[str]
) -> tuple[HttpRoute, ...]:
    """The HTTP routes of a root VirtualService in order. A delegation that leads nowhere is left out."""
    return tuple(_routes(root, delegates, default_export_to))


def _routes(
    root: MeshObject, delegates: Mapping[tuple[str, str], MeshObject], default_export_to: Sequence[str]
) -> Iterator[HttpRoute]:
    for position, route in mappings(root.spec.get("http")):
        named = mapping(route.get("delegate"))
        if not named:
            yield HttpRoute(route, root, f"spec/http[{position}]")
            continue
        target = delegates.get((text(named.get("namespace")) or root.namespace, text(named.get("name")) or ""))
        if target is None:
            continue
        seen_by = exported_to(texts(target.spec.get("exportTo")), target.namespace, default_export_to)
        if EVERYWHERE not in seen_by and root.namespace not in seen_by:
            continue
        for place, inner in mappings(target.spec.get("http")):
            merged = None if inner.get("delegate") else _merged(route, inner)
            if merged is not None:
                yield HttpRoute(merged, target, f"spec/http[{place}]")


def _merged(root: Mapping[str, Json], inner: Mapping[str, Json]) -> Mapping[str, Json] | None:
    matches = _merged_matches(
        [item for _, item in mappings(root.get("match"))], [item for _, item in mappings(inner.get("match"))]
    )
    if matches is None:
        return None
    inherited = {key: root[key] for key in _INHERITED if inner.get(key) is None and root.get(key) is not None}
    names = [name for name in (text(root.get("name")), text(inner.get("name"))) if name]
    return {**inner, **inherited, "match": matches, "name": "-".join(names)}


def _merged_matches(
    root: Sequence[Mapping[str, Json]], inner: Sequence[Mapping[str, Json]]
) -> list[Mapping[str, Json]] | None:
    if not root or not inner:
        return [*(root or inner)]
    found: list[Mapping[str, Json]] = []
    for narrow in inner:
        near = [_merged_match(wide, narrow) for wide in root if not _conflict(wide, narrow)]
        if not near:
            return None
        found += near
    return found


def _merged_match(root: Mapping[str, Json], inner: Mapping[str, Json]) -> Mapping[str, Json]:
    merged: dict[str, Json] = {**root, **{key: value for key, value in inner.items() if value is not None}}
    for key in _MAPS:
        both = {**mapping(root.get(key)), **mapping(inner.get(key))}
        if both:
            merged[key] = both
    return merged


def _conflict(root: Mapping[str, Json], inner: Mapping[str, Json]) -> bool:
    if any(_strings_conflict(root.get(key), inner.get(key)) for key in _STRINGS):
        return True
    for key in _MAPS:
        wide = mapping(root.get("headers" if key == "withoutHeaders" else key))
        if any(_strings_conflict(wide.get(name), value) for name, value in mapping(inner.get(key)).items()):
            return True
    if bool(root.get("ignoreUriCase")) != bool(inner.get("ignoreUriCase")):
        return True
    ports = integer(root.get("port")), integer(inner.get("port"))
    return None not in ports and ports[0] != ports[1]


def _strings_conflict(root: object, inner: object) -> bool:
    """Whether the inner match is not narrower than the root's; expressions cannot be compared and conflict."""
    wide, narrow = mapping(root), mapping(inner)
    if not wide or not narrow:
        return False
    if "regex" in wide or "regex" in narrow:
        return True
    exact, prefix = text(wide.get("exact")), text(wide.get("prefix"))
    inner_exact, inner_prefix = text(narrow.get("exact")), text(narrow.get("prefix"))
    if exact:
        return bool(inner_prefix) or inner_exact != exact
    if prefix:
        value = inner_prefix or inner_exact
        return not (value or "").startswith(prefix)
    return True
