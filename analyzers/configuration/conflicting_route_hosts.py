"""VirtualServices of the mesh that claim the same host.

**What.** Several VirtualServices that sidecars read (no `gateways`, or `mesh` among them) have a host in common, and a
namespace sees both.

**Why it matters.** Sidecars take one of them and ignore the rest: routes vanish without a word.

**Evidence.** The VirtualServices and the host.

**Fix.** One VirtualService for a host (`delegate` splits it), or `exportTo` that keeps them apart.

Beyond Istio's check: a host that is more specific than another one's wildcard does not conflict (sidecars prefer it),
and every conflict of a VirtualService is told, not just its first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import EVERYWHERE, export_scopes, full_name, istio_code, spec_export_to
from analyzers.configuration.report import finding
from analyzers.mesh.hosts import full_name as full_host
from analyzers.mesh.hosts import overlap
from analyzers.mesh.objects import texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

CONFLICT: Final = istio_code(
    109, "Conflicting hosts of VirtualServices", "error", "Sidecars take one VirtualService for a host.", "KIA1106"
)
#: Scope (a namespace or `*`) and host -> the VirtualServices that claim it there.
_Claims = dict[tuple[str, str], list["MeshObject"]]


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Each VirtualService that shares a host with another one."""
    for cluster in mesh.clusters:
        claims = _claims(mesh, cluster, rules)
        everywhere = {host: items for (scope, host), items in claims.items() if scope == EVERYWHERE}
        wildcards = {host: items for host, items in everywhere.items() if host.startswith("*")}
        told: set[tuple[str, ...]] = set()
        for (scope, host), items in sorted(claims.items(), key=lambda claim: claim[0]):
            rivals = list(items)
            if scope != EVERYWHERE:
                rivals += _overlapping(host, everywhere, wildcards) if rules.istio else everywhere.get(host, [])
            together = {item.identity: item for item in rivals} if not rules.istio else None
            if len(rivals if together is None else together) < 2:
                continue
            names = ", ".join(sorted({full_name(item) for item in rivals}))
            for item in rivals:
                key = (item.identity,) if rules.istio else (item.identity, host)
                if key not in told:
                    told.add(key)
                    message = f"VirtualServices {names} all claim host {host} in the mesh"
                    yield finding(CONFLICT, item, message, path="spec/hosts", identity=(host,))


def _claims(mesh: Mesh, cluster: str, rules: Rules) -> _Claims:
    settings = mesh.settings(cluster)
    domain = "cluster.local" if rules.istio else settings.cluster_domain
    default = () if rules.istio else settings.default_virtual_service_export_to
    claims: defaultdict[tuple[str, str], list[MeshObject]] = defaultdict(list)
    for item in mesh.of_kind("VirtualService", cluster=cluster):
        gateways = texts(item.spec.get("gateways"))
        if gateways and "mesh" not in gateways:
            continue
        for scope in export_scopes(spec_export_to(item) or default, item.namespace):
            for host in texts(item.spec.get("hosts")):
                claims[scope, full_host(host, item.namespace, domain)].append(item)
    return claims


def _overlapping(
    host: str, everywhere: Mapping[str, list[MeshObject]], wildcards: Mapping[str, list[MeshObject]]
) -> list[MeshObject]:
    """Those that claim a host which overlaps, as seen everywhere: Istio counts wildcards."""
    if host.startswith("*"):
        return [item for other, items in everywhere.items() if overlap(other, host) for item in items]
    found = list(everywhere.get(host, []))
    return found + [item for other, items in wildcards.items() if overlap(other, host) for item in items]


ANALYZER: Final = configuration_analyzer(
    "conflicting_route_hosts", kinds=("VirtualService",), codes=(CONFLICT,), check=check, documentation=__doc__ or ""
)
