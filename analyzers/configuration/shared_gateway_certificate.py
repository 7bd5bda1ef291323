"""Gateways on one workload that share a certificate.

**What.** Two Gateways whose selectors take in the same workload use one `credentialName`, or one certificate file.

**Why it matters.** A browser reuses an HTTP/2 connection for every host that the connection's certificate is for. Its
requests for the second host then arrive at the first Gateway, which has no route for it: 404.

**Evidence.** The Gateways and the certificate.

**Fix.** One Gateway for all hosts of a certificate (a wildcard host), or a certificate each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name, istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mapping, mappings, strings, text
from analyzers.mesh.selectors import carries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

SHARED: Final = istio_code(
    138, "Certificate shared by gateways", "warning", "Gateways of one workload use one certificate: connections mix."
)

#: What tells certificates apart: the credential's name, or the files.
_Certificate = tuple[str, ...]


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Each Gateway once for every other one that shares a certificate with it."""
    del rules
    users: dict[_Certificate, list[tuple[MeshObject, int]]] = {}
    for item in mesh.of_kind("Gateway"):
        for position, server in mappings(item.spec.get("servers")):
            certificate = _certificate(mapping(server.get("tls")))
            if certificate is not None:
                users.setdefault(certificate, []).append((item, position))
    for sharing in users.values():
        reported: set[tuple[str, str]] = set()
        for item, position in sharing:
            for other, _ in sharing:
                pair = (full_name(item), full_name(other))
                is_same = other.identity == item.identity or other.cluster != item.cluster
                if is_same or pair in reported or not carries(_selector(other), _selector(item)):
                    continue
                reported.add(pair)
                message = f"shares a certificate with Gateway {full_name(other)} on one workload"
                path = f"spec/servers[{position}]/tls"
                yield finding(SHARED, item, message, path=path, identity=(full_name(other),))


def _selector(item: MeshObject) -> Mapping[str, str]:
    return strings(item.spec.get("selector"))


def _certificate(tls: Mapping[str, object]) -> _Certificate | None:
    name = text(tls.get("credentialName"))
    if name:
        return ("credential", name)
    files = text(tls.get("serverCertificate")), text(tls.get("privateKey"))
    return ("files", files[0], files[1]) if files[0] and files[1] else None


ANALYZER: Final = configuration_analyzer(
    "shared_gateway_certificate",
    kinds=("Gateway",),
    codes=(SHARED,),
    check=check,
    documentation=__doc__ or "",
)
