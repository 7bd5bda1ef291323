"""VirtualServices that route to subsets no DestinationRule defines.

**What.** A destination's subset that no DestinationRule for its host has.

**Why it matters.** Envoy has no cluster of that name: every request of the route is answered 503 (NC).

**Evidence.** Host and subset.

**Fix.** Define the subset, or correct its name. Rules that are added must be there before the route that uses them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.destinations import destinations
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh import hosts
from analyzers.mesh.objects import mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

NO_SUBSET: Final = Code(
    "ML1908", "Route to an unknown subset", "error", "No DestinationRule defines the subset.", ("IST0101", "KIA1107")
)
_ISTIO_NAME: Final = re.compile(r"(.+)\.(.+)\.svc\.cluster\.local")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every destination with a subset, where Istio's behaviour is asked for; otherwise `dangling_host` tells it."""
    if not rules.istio:
        return
    for cluster in mesh.clusters:
        known: dict[str, set[str]] = {}
        for item in mesh.of_kind("DestinationRule", cluster=cluster):
            host = hosts.full_name(text(item.spec.get("host")) or "", item.namespace)
            known.setdefault(host, set()).update(
                text(subset.get("name")) or "" for _, subset in mappings(item.spec.get("subsets"))
            )
        for item in mesh.of_kind("VirtualService", cluster=cluster):
            for destination in destinations(item):
                if destination.subset is None or destination.subset in known.get(
                    _named(destination.host, item.namespace), ()
                ):
                    continue
                message = f"subset {destination.subset} of {destination.host} is defined by no DestinationRule"
                yield finding(NO_SUBSET, item, message, path=f"{destination.path}/subset")


def _named(host: str, namespace: str) -> str:
    """The host as Istio's check takes it: any name that is no full one is a Service of the namespace."""
    if not _ISTIO_NAME.fullmatch(host):
        return host if "." in host or host.startswith("*") else f"{host}.{namespace}.svc.cluster.local"
    return hosts.full_name(host, namespace)


ANALYZER: Final = configuration_analyzer(
    "unknown_subset",
    kinds=("VirtualService",),
    codes=(NO_SUBSET,),
    check=check,
    documentation=__doc__ or "",
)
