"""What istiod says of a Gateway, and of server TLS, which Sidecars have, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.protocols import HTTP, TLS, UNSUPPORTED, parse
from analyzers.configuration.validation.problems import Problem, at, doubt
from analyzers.configuration.validation.shared import bind_address, elements, scoped_host
from analyzers.configuration.validation.values import UNIX, is_label, port, unix_path
from analyzers.mesh.objects import integer, mapping, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject

_CIPHERS: Final = frozenset(
    {
        *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        *("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"),
        *("ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA"),
        *("AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "DES-CBC3-SHA"),
    }
)
_TERMINATING: Final = frozenset({"SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"})
_PASSING: Final = frozenset({"PASSTHROUGH", "AUTO_PASSTHROUGH"})
_CERTIFICATES: Final = (
    *("serverCertificate", "privateKey", "caCertificates", "tlsCertificates"),
    *("credentialName", "credentialNames"),
)
_MOST_CERTIFICATES: Final = 2


def gateway(item: MeshObject) -> Problems:
    """Every problem of a Gateway."""
    if not is_label(item.name):
        yield Problem("metadata/name", f"invalid name {item.name!r} of a Gateway")
    servers = elements(item.spec.get("servers"))
    if not servers:
        yield Problem("spec/servers", "a Gateway needs a server")
    for position, server in enumerate(servers):
        path = f"spec/servers[{position}]"
        if server is None:
            yield Problem(path, "a server may not be null")
        else:
            yield from _server(path, mapping(server))
    names: set[str] = set()
    for position, server in enumerate(servers):
        given = mapping(server).get("port")
        if given is None:
            continue
        path, name = f"spec/servers[{position}]", text(mapping(given).get("name")) or ""
        if name in names:
            yield Problem(f"{path}/port/name", f"port name {name} is used twice")
        names.add(name)
        redirects = mapping(mapping(server).get("tls")).get("httpsRedirect") is True
        if redirects and parse(text(mapping(given).get("protocol")) or "") not in HTTP:
            yield doubt(f"{path}/tls/httpsRedirect", "httpsRedirect is for HTTP servers")


def _server(path: str, server: Mapping[str, Json]) -> Problems:
    hosts = elements(server.get("hosts"))
    if not hosts:
        yield Problem(f"{path}/hosts", "a server needs a host")
    for host in texts(hosts):
        yield from scoped_host(f"{path}/hosts", host, is_gateway=True)
    bind, given = text(server.get("bind")) or "", server.get("port")
    problems = list(_port(f"{path}/port", given, bind))
    yield from problems
    if bind.startswith(UNIX):
        yield from at(f"{path}/bind", unix_path(bind.removeprefix(UNIX)))
        if integer(mapping(given).get("number")):
            yield Problem(f"{path}/port/number", f"a Unix domain socket has no port: {dict(mapping(given))}")
    else:
        yield from bind_address(f"{path}/bind", bind)
    tls = server.get("tls")
    yield from server_tls(f"{path}/tls", tls)
    if not problems:
        yield from _tls_of_protocol(f"{path}/tls", tls, parse(text(mapping(given).get("protocol")) or ""))


def _tls_of_protocol(path: str, tls: Json, protocol: str) -> Problems:
    if protocol in TLS:
        if tls is None:
            yield Problem(path, "a server of HTTPS or TLS needs TLS settings")
    elif tls is not None:
        if protocol not in HTTP:
            yield Problem(path, "a server that is not HTTPS or TLS cannot have TLS settings")
        elif not _only_redirects(mapping(tls)):
            yield Problem(path, "a server of plain HTTP cannot have TLS settings")


def _only_redirects(tls: Mapping[str, Json]) -> bool:
    passes = (text(tls.get("mode")) or "PASSTHROUGH") in _PASSING
    return passes and not any(text(tls.get(key)) for key in ("caCertificates", "privateKey", "serverCertificate"))


def _port(path: str, value: Json, bind: str) -> Problems:
    if value is None:
        yield Problem(path, "a server needs a port")
        return
    given = mapping(value)
    protocol, number = text(given.get("protocol")) or "", integer(given.get("number")) or 0
    if parse(protocol) == UNSUPPORTED:
        yield Problem(f"{path}/protocol", f"invalid protocol {protocol!r}")
    if number > 0 or not bind.startswith(UNIX):
        yield from at(f"{path}/number", port(number))
    if integer(given.get("targetPort")):
        yield Problem(f"{path}/targetPort", "targetPort has no effect on Gateways")
    if not text(given.get("name")):
        yield Problem(f"{path}/name", f"a port needs a name: {number} {protocol}")


def server_tls(path: str, value: Json) -> Problems:
    """`tls` of a server or of a Sidecar's ingress."""
    if value is None:
        return
    tls = mapping(value)
    mode = text(tls.get("mode")) or "PASSTHROUGH"
    yield from _ciphers(path, tls)
    pair = bool(text(tls.get("serverCertificate"))), bool(text(tls.get("privateKey")))
    names = bool(text(tls.get("credentialName"))), bool(elements(tls.get("credentialNames")))
    certificates = elements(tls.get("tlsCertificates"))
    if mode == "ISTIO_MUTUAL":
        for key in (key for key in _CERTIFICATES if tls.get(key)):
            yield Problem(f"{path}/{key}", f"ISTIO_MUTUAL does not go with {key}")
        return
    if mode in _PASSING and any((*pair, *names, certificates, text(tls.get("caCertificates")), text(tls.get("caCrl")))):
        yield doubt(path, f"{mode} uses no certificates: they are ignored")
    if sum((all(pair), *names, bool(certificates))) > 1:
        yield Problem(path, "certificates can come from one source only")
    if mode not in _TERMINATING or not any(names):
        yield from _files(path, tls, mode)


def _files(path: str, tls: Mapping[str, Json], mode: str) -> Problems:
    if text(tls.get("caCrl")):
        if text(tls.get("credentialName")):
            yield Problem(f"{path}/caCrl", "caCrl does not go with credentialName")
        if mode == "SIMPLE":
            yield Problem(f"{path}/caCrl", "caCrl does not go with SIMPLE")
    if mode not in _TERMINATING:
        return
    kind = "SIMPLE" if mode == "SIMPLE" else "MUTUAL"
    if kind == "MUTUAL" and not text(tls.get("caCertificates")):
        yield Problem(f"{path}/caCertificates", f"{kind} TLS needs caCertificates")
    certificates = elements(tls.get("tlsCertificates"))
    if len(certificates) > _MOST_CERTIFICATES:
        yield doubt(f"{path}/tlsCertificates", f"{kind} TLS takes two certificates at most")
    for certificate in certificates or [tls]:
        for key in ("serverCertificate", "privateKey"):
            if not text(mapping(certificate).get(key)):
                yield Problem(f"{path}/{key}", f"{kind} TLS needs {key}")


def _ciphers(path: str, tls: Mapping[str, Json]) -> Problems:
    suites = texts(tls.get("cipherSuites"))
    if tls.get("minProtocolVersion") in {"TLSV1_0", "TLSV1_1"} and not suites:
        yield doubt(
            f"{path}/cipherSuites", "TLS below 1.2 needs cipher suites that go with it: the default ones do not"
        )
    valid = [suite for suite in suites if _is_cipher(suite)]
    for what, found in (
        ("invalid", {suite for suite in suites if not _is_cipher(suite)}),
        ("duplicate", {suite for suite in valid if valid.count(suite) > 1}),
    ):
        if found:
            yield doubt(f"{path}/cipherSuites", f"{what} cipher suites are ignored: {', '.join(sorted(found))}")


def _is_cipher(suite: str) -> bool:
    # What starts with a sign is an expression over suites, which is not looked into.
    return suite in {"", "ALL"} or not suite[0].isalnum() or suite in _CIPHERS
