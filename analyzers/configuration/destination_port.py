"""VirtualServices that route to hosts or ports that do not exist, or do not say to which port.

**What.** A destination whose host no Service or ServiceEntry has, as the VirtualService's namespace sees them; a port
that the host does not have; no port where the host has several; subset routing that ingress traffic goes past.

**Why it matters.** Envoy answers 503 (NC) for a host that is not there, and the whole route is dropped where the port
is ambiguous.

**Evidence.** The destination, and the ports there are.

**Fix.** Correct the name (short names are of the VirtualService's own namespace), or the port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name, istio_code, spec_export_to
from analyzers.configuration.destinations import destinations
from analyzers.configuration.report import finding
from analyzers.configuration.service_hosts import hosts_of
from analyzers.framework.analyzer import Code
from analyzers.mesh.objects import mappings, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.destinations import Destination
    from analyzers.configuration.rules import Rules
    from analyzers.configuration.service_hosts import Hosts
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NO_HOST: Final = Code(
    "ML1906", "Route to an unknown host", "error", "A route's destination names no known host.", ("IST0101", "KIA1101")
)
NO_PORT: Final = Code(
    "ML1907", "Route to an unknown port", "error", "A route's destination names a port its host lacks.", ("IST0101",)
)
PORT_NEEDED: Final = istio_code(
    112, "Destination port needed", "error", "A destination's host has several ports, and the route names none."
)
BYPASSED: Final = istio_code(
    140,
    "Subset routing that ingress goes past",
    "warning",
    "A VirtualService of a gateway routes to a host without a subset that another VirtualService splits by subset.",
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every destination of every VirtualService. Hosts are for the check of dangling hosts, unless Istio's is asked."""
    for cluster in mesh.clusters:
        hosts = hosts_of(mesh, cluster, rules)
        items = mesh.of_kind("VirtualService", cluster=cluster)
        by_subset = [
            (item, destination.host)
            for item in items
            for destination in destinations(item)
            if destination.subset and "/http[" in f"/{destination.path[5:]}" and not destination.is_mirror
            if destination.host in texts(item.spec.get("hosts"))
        ]
        for item in items:
            for destination in destinations(item):
                yield from _destination(item, destination, hosts, rules)
            yield from _bypassed(item, by_subset, rules)


def _destination(item: MeshObject, destination: Destination, hosts: Hosts, rules: Rules) -> Iterator[Finding]:
    found = hosts.find(destination.host, item.namespace, spec_export_to(item))
    if found is None:
        if rules.istio:
            what = "mirror host" if destination.is_mirror else "host"
            message = f"{what} {destination.host} is not known"
            yield finding(NO_HOST, item, message, path=f"{destination.path}/host")
        return
    ports = ", ".join(map(str, found.ports))
    if not destination.has_port:
        if len(found.ports) > 1:
            message = f"{destination.host} has ports {ports}, and the route names none"
            yield finding(PORT_NEEDED, item, message, path=f"{destination.path}/port")
    elif destination.port not in found.ports:
        message = (
            f"{destination.host}:{destination.port} is no port of {found.item.kind} {full_name(found.item)} ({ports})"
        )
        yield finding(NO_PORT, item, message, path=f"{destination.path}/port/number")


def _bypassed(item: MeshObject, by_subset: list[tuple[MeshObject, str]], rules: Rules) -> Iterator[Finding]:
    gateways = texts(item.spec.get("gateways"))
    if not gateways or (not rules.istio and gateways == ("mesh",)):
        return
    for number, route in mappings(item.spec.get("http")):
        for position, _ in mappings(route.get("route")):
            path = f"spec/http[{number}]/route[{position}]/destination"
            mine = next(found for found in destinations(item) if found.path == path)
            for other, host in by_subset:
                if mine.subset is None and host == mine.host and (rules.istio or other.identity != item.identity):
                    bypassed = f"the subsets of VirtualService {full_name(other)} do not apply"
                    message = f"goes to {host} without a subset; {bypassed}"
                    yield finding(BYPASSED, item, message, path=path, identity=(full_name(other),))


ANALYZER: Final = configuration_analyzer(
    "destination_port",
    kinds=("VirtualService",),
    codes=(NO_HOST, NO_PORT, PORT_NEEDED, BYPASSED),
    check=check,
    documentation=__doc__ or "",
)
