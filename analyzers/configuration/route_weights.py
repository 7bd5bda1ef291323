"""Routes whose weights do not split what they seem to.

**What.** A weight on a route's only destination; one destination (host, subset and port, with the same headers)
listed twice in a route.

**Why it matters.** A sole destination gets everything, whatever its weight. A destination listed twice gets both
shares: often the second was meant to be another subset.

**Evidence.** The place and the weight.

**Fix.** Leave the weight out, or add the destination that is missing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh import hosts
from analyzers.mesh.objects import at, integer, mapping, mappings, number, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject

SOLE: Final = kiali_code("KIA1104", "Weight of a sole destination", "warning", "The weight has no meaning.")
REPEATED: Final = kiali_code("KIA1105", "Destination listed twice", "warning", "One route has a destination twice.")

_ALL: Final = 100


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every route of every VirtualService."""
    del rules
    for item in mesh.of_kind("VirtualService"):
        for protocol in ("http", "tls", "tcp"):
            for position, route in mappings(item.spec.get(protocol)):
                targets = list(mappings(route.get("route")))
                yield from _route(mesh, item, f"spec/{protocol}[{position}]", targets)


def _route(mesh: Mesh, item: MeshObject, path: str, targets: list[tuple[int, Mapping[str, Json]]]) -> Iterator[Finding]:
    if len(targets) == 1:
        weight = number(targets[0][1].get("weight"))
        if weight is not None and 0 < weight < _ALL:
            message = f"a sole destination gets everything, not {weight:g} of {_ALL}"
            yield finding(SOLE, item, message, path=f"{path}/route[{targets[0][0]}]/weight")
    first: dict[tuple[object, ...], int] = {}
    for position, target in targets:
        destination = mapping(target.get("destination"))
        host = text(destination.get("host")) or ""
        subset = text(destination.get("subset")) or ""
        key = (
            hosts.full_name(host, item.namespace, mesh.settings(item.cluster).cluster_domain),
            subset,
            integer(at(destination, "port", "number")),
            json.dumps(target.get("headers"), sort_keys=True),
        )
        earlier = first.setdefault(key, position)
        if earlier != position:
            named = f"{host} subset {subset}" if subset else host
            where = f"{path}/route[{position}]/destination/host"
            yield finding(REPEATED, item, f"{named} is at {path}/route[{earlier}], too", path=where)


ANALYZER: Final = configuration_analyzer(
    "route_weights", kinds=("VirtualService",), codes=(SOLE, REPEATED), check=check, documentation=__doc__ or ""
)
