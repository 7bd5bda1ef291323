"""Ports of Services and ServiceEntries, and the protocol that Istio takes them to speak.

Source: istio/istio `pkg/config/kube/conversion.go` and `pkg/config/protocol/instance.go`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.mesh.objects import integer, mappings, text

if TYPE_CHECKING:
    from analyzers.mesh.objects import MeshObject

#: Spelling in a name or appProtocol -> protocol.
PROTOCOLS: Final = {
    "tcp": "TCP",
    "udp": "UDP",
    "grpc": "GRPC",
    "grpc-web": "GRPC-Web",
    "http": "HTTP",
    "http_proxy": "HTTP_PROXY",
    "http2": "HTTP2",
    "https": "HTTPS",
    "tls": "TLS",
    "hbone": "HBONE",
    "double-hbone": "DOUBLE-HBONE",
    "mongo": "Mongo",
    "redis": "Redis",
    "mysql": "MySQL",
}
#: Standard names that Kubernetes gives application protocols (KEP 3726).
STANDARD_PROTOCOLS: Final = {
    "kubernetes.io/h2c": "HTTP2",
    "kubernetes.io/ws": "HTTP",
    "kubernetes.io/wss": "HTTPS",
}
#: What proxies route request by request.
HTTP_PROTOCOLS: Final = frozenset({"HTTP", "HTTP2", "GRPC", "GRPC-Web", "HTTP_PROXY"})
#: The protocol that a proxy finds out by itself.
DETECTED: Final = "detected"

_SERVER_FIRST_PORTS: Final = frozenset({25, 53, 3306, 27017})
_GRPC_WEB: Final = "grpc-web"


@dataclass(frozen=True, slots=True)
class Port:
    """A port: its number, name, protocol (`detected` where nothing states it), and target (number or name)."""

    number: int
    name: str
    protocol: str
    target: int | str

    @property
    def is_http(self) -> bool:
        """Whether requests are routed one by one; a detected protocol may turn out either way and counts."""
        return self.protocol in HTTP_PROTOCOLS or self.protocol == DETECTED


def service_ports(item: MeshObject) -> tuple[Port, ...]:
    """The ports of a Kubernetes Service."""
    found: list[Port] = []
    for _, port in mappings(item.spec.get("ports")):
        number = integer(port.get("port"))
        if number is not None:
            name = text(port.get("name")) or ""
            protocol = protocol_of(
                number, name, text(port.get("appProtocol")), transport=text(port.get("protocol")) or "TCP"
            )
            target = port.get("targetPort")
            reached = integer(target) if integer(target) is not None else text(target)
            found.append(Port(number, name, protocol, number if reached is None else reached))
    return tuple(found)


def entry_ports(item: MeshObject) -> tuple[Port, ...]:
    """The ports of a ServiceEntry."""
    found: list[Port] = []
    for _, port in mappings(item.spec.get("ports")):
        number = integer(port.get("number"))
        if number is not None:
            stated = (text(port.get("protocol")) or "").lower()
            target = integer(port.get("targetPort"))
            name = text(port.get("name")) or ""
            found.append(Port(number, name, PROTOCOLS.get(stated, DETECTED), number if target is None else target))
    return tuple(found)


def protocol_of(number: int, name: str, application: str | None = None, *, transport: str = "TCP") -> str:
    """The protocol of a Service's port: what appProtocol says, else the name's first part, else `detected`."""
    if transport == "UDP":
        return "UDP"
    if application:
        stated = application.lower()
        return STANDARD_PROTOCOLS.get(stated) or PROTOCOLS.get(stated) or DETECTED
    lowered = name.lower()
    if lowered == _GRPC_WEB or lowered.startswith(f"{_GRPC_WEB}-"):
        return PROTOCOLS[_GRPC_WEB]
    known = PROTOCOLS.get(lowered.partition("-")[0])
    if known is not None:
        return known
    return "TCP" if number in _SERVER_FIRST_PORTS else DETECTED
