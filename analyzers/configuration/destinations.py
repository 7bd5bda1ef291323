"""The destinations that VirtualServices route to, with their paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzers.mesh.objects import at, integer, mapping, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.mesh.objects import Json, MeshObject


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination: the path of its object, what it names, and whether requests are mirrored to it."""

    path: str
    host: str
    subset: str | None
    port: int | None
    has_port: bool
    is_mirror: bool = False


def destinations(item: MeshObject) -> Iterator[Destination]:
    """Every destination of the TCP, TLS and HTTP routes, then those of mirrors."""
    for protocol in ("tcp", "tls", "http"):
        for number, route in mappings(item.spec.get(protocol)):
            for position, target in mappings(route.get("route")):
                path = f"spec/{protocol}[{number}]/route[{position}]/destination"
                yield _destination(path, mapping(target.get("destination")))
    for number, route in mappings(item.spec.get("http")):
        if isinstance(route.get("mirror"), dict):
            yield _destination(f"spec/http[{number}]/mirror", mapping(route.get("mirror")), is_mirror=True)
        for position, mirror in mappings(route.get("mirrors")):
            path = f"spec/http[{number}]/mirrors[{position}]/destination"
            yield _destination(path, mapping(mirror.get("destination")), is_mirror=True)


def _destination(path: str, value: Mapping[str, Json], *, is_mirror: bool = False) -> Destination:
    return Destination(
        path,
        text(value.get("host")) or "",
        text(value.get("subset")) or None,
        integer(at(value, "port", "number")),
        isinstance(value.get("port"), dict),
        is_mirror,
    )
