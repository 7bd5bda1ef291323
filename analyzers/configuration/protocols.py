"""Protocols of ports: what a Service's port or an Istio port is taken for.

Source: istio/istio `pkg/config/protocol` and `pkg/config/kube/conversion.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.mesh.objects import integer, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.mesh.objects import Json

UNSUPPORTED: Final = "unsupported"
_GRPC_WEB: Final = "grpc-web"

#: Protocols by their lower-case spelling; `hbone` and `http_proxy` are Istio's own.
KNOWN: Final = frozenset(
    {
        *("tcp", "udp", "grpc", _GRPC_WEB, "http", "http_proxy", "http2", "https", "tls"),
        *("mongo", "redis", "mysql", "hbone", "double-hbone"),
    }
)
HTTP: Final = frozenset({"http", "http2", "http_proxy", "grpc", _GRPC_WEB})
TCP: Final = frozenset({"tcp", "https", "tls", "mongo", "redis", "mysql"})
TLS: Final = frozenset({"https", "tls"})

#: Values of appProtocol beyond the protocols' own names.
_APP_PROTOCOLS: Final = {
    "kubernetes.io/h2c": "http2",
    "kubernetes.io/ws": "http",
    "kubernetes.io/wss": "https",
    "istio.io/hbone": "hbone",
}
#: Ports that stay TCP without a name, because sniffing breaks what usually listens there: SMTP, DNS, MySQL, MongoDB.
_WELL_KNOWN: Final = frozenset({25, 53, 3306, 27017})


def parse(name: str) -> str:
    """The protocol of this name, in lower case; `UNSUPPORTED` for others."""
    lower = name.lower()
    return lower if lower in KNOWN else UNSUPPORTED


def protocol_of_port(port: Mapping[str, Json]) -> str:
    """The protocol of a Service's port: appProtocol, else the name's prefix, else that of a well-known port."""
    if port.get("protocol") == "UDP":
        return "udp"
    name = text(port.get("name")) or ""
    stated = text(port.get("appProtocol"))
    if stated is not None:
        special = _APP_PROTOCOLS.get(stated.lower())
        if special is not None:
            return special
        name = stated
    if name[: len(_GRPC_WEB)].lower() == _GRPC_WEB:
        return _GRPC_WEB
    found = parse(name.partition("-")[0])
    if found == "udp":
        return "tcp"
    if found == UNSUPPORTED and integer(port.get("port")) in _WELL_KNOWN:
        return "tcp"
    return found
