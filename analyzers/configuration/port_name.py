"""Service ports whose name says no protocol.

**What.** A port of a Service whose name has no protocol prefix (`http`, `grpc-web`, `tcp-...`) and that has no
`appProtocol`. Ports of ExternalName Services must have a protocol, and not just `tcp`.

**Why it matters.** The proxy then guesses the protocol from the first bytes: server-first protocols wait for the guess,
and an ExternalName Service of TCP takes in traffic to other hosts on that port.

**Evidence.** The port, its name and target port.

**Fix.** Name the port `PROTOCOL` or `PROTOCOL-SUFFIX`, or set `appProtocol`.

Beyond Istio's check: UDP and SCTP ports, which no proxy handles, are left alone, and so are Services without a
selector in namespaces outside the mesh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import is_control_plane, istio_code
from analyzers.configuration.protocols import UNSUPPORTED, protocol_of_port
from analyzers.configuration.report import finding
from analyzers.mesh.objects import integer, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject

UNNAMED: Final = istio_code(
    118, "Port name without a protocol", "info", "The proxy has to guess the protocol of the port.", "KIA0601"
)
EXTERNAL: Final = istio_code(
    150,
    "Port of an ExternalName Service without a protocol",
    "warning",
    "A TCP port of an ExternalName Service can take in traffic to other hosts.",
)

#: Controllers that make Services for gateways by themselves (label `gateway.istio.io/managed`).
_MANAGED: Final = frozenset({"istio.io-gateway-controller", "istio.io-mesh-controller", "istio.io-eastwest-controller"})
_UNPROXIED: Final = frozenset({"UDP", "SCTP"})


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every port of every Service that people made."""
    for item in mesh.of_kind("Service"):
        if is_control_plane(item) or item.labels.get("gateway.istio.io/managed") in _MANAGED:
            continue
        for position, port in mappings(item.spec.get("ports")):
            if rules.istio or port.get("protocol") not in _UNPROXIED:
                yield from _port(item, position, port)


def _port(item: MeshObject, position: int, port: Mapping[str, Json]) -> Iterator[Finding]:
    name = text(port.get("name")) or ""
    is_external = item.spec.get("type") == "ExternalName"
    if protocol_of_port(port) != UNSUPPORTED and not (is_external and name == "tcp"):
        return
    path = f"spec/ports[{position}]"
    if is_external:
        message = f"port {name or 'without a name'} of an ExternalName Service names no protocol but TCP"
        yield finding(EXTERNAL, item, message, path=path)
        return
    number = integer(port.get("port"))
    message = f"the name of port {number} ({name or 'none'}) says no protocol, and appProtocol is not set"
    yield finding(UNNAMED, item, message, path=path)


ANALYZER: Final = configuration_analyzer(
    "port_name", kinds=("Service",), codes=(UNNAMED, EXTERNAL), check=check, documentation=__doc__ or ""
)
