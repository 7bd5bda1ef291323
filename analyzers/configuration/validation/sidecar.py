"""What istiod says of a Sidecar."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzers.configuration.protocols import HTTP, TLS, UNSUPPORTED, parse
from analyzers.configuration.validation.destinations import destination
from analyzers.configuration.validation.gateway import server_tls
from analyzers.configuration.validation.problems import Problem, at, doubt
from analyzers.configuration.validation.shared import bind_address, elements, scoped_host, selector_problems
from analyzers.configuration.validation.traffic_policy import connection_pool
from analyzers.configuration.validation.values import UNIX, fqdn, port, port_name, unix_path
from analyzers.mesh.objects import integer, mapping, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject

_ENDPOINT_HOSTS: Final = frozenset({"", "127.0.0.1", "0.0.0.0", "::1", "::"})  # noqa: S104 - what may be written
_FIELDS: Final = ("outboundTrafficPolicy", "inboundConnectionPool")


def sidecar(item: MeshObject) -> Problems:
    """Every problem of a Sidecar; a bad selector, or nothing in it, is the only one that istiod tells."""
    spec = item.spec
    selector = spec.get("workloadSelector")
    refused = list(selector_problems("spec/workloadSelector", selector, "labels"))
    if refused:
        yield from refused
        return
    ingress, egress = elements(spec.get("ingress")), elements(spec.get("egress"))
    if not ingress and not egress and all(spec.get(key) is None for key in _FIELDS):
        yield Problem("spec", "the Sidecar is empty")
        return
    if selector is not None and not mapping(mapping(selector).get("labels")):
        yield doubt("spec/workloadSelector", "a workload selector without labels selects the whole namespace")
    yield from _ingress(ingress)
    yield from connection_pool("spec/inboundConnectionPool", spec.get("inboundConnectionPool"))
    yield from _egress(egress, item.namespace)
    yield from _outbound("spec/outboundTrafficPolicy", spec.get("outboundTrafficPolicy"))


def _ingress(listeners: Sequence[Json]) -> Problems:
    numbers: set[int] = set()
    for position, value in enumerate(listeners):
        path = f"spec/ingress[{position}]"
        listener = mapping(value)
        if value is None or listener.get("port") is None:
            yield Problem(path, "an ingress listener may not be null" if value is None else "a listener needs a port")
            continue
        given = mapping(listener.get("port"))
        number = integer(given.get("number")) or 0
        yield from _port(f"{path}/port", given)
        yield from at(f"{path}/port/number", port(number))
        yield from bind_address(f"{path}/bind", text(listener.get("bind")) or "")
        if number in numbers:
            yield Problem(f"{path}/port/number", "ports of listeners must be unique")
        numbers.add(number)
        yield from _endpoint(f"{path}/defaultEndpoint", text(listener.get("defaultEndpoint")) or "")
        protocol = parse(text(given.get("protocol")) or "")
        if listener.get("tls") is not None:
            yield from _ingress_tls(f"{path}/tls", mapping(listener.get("tls")), protocol)
        pool = listener.get("connectionPool")
        yield from connection_pool(f"{path}/connectionPool", pool)
        if mapping(pool).get("http") is not None and protocol not in HTTP:
            message = f"HTTP settings on port {number} ({text(given.get('name'))}), which is not HTTP, have no effect"
            yield doubt(f"{path}/connectionPool/http", message)


def _ingress_tls(path: str, tls: Mapping[str, Json], protocol: str) -> Problems:
    fields = ("subjectAltNames", "httpsRedirect", "credentialName", "credentialNames", "tlsCertificates")
    for key in fields:
        if tls.get(key):
            yield Problem(f"{path}/{key}", f"{key} is not supported in a Sidecar")
    if tls.get("mode") in {"ISTIO_MUTUAL", "AUTO_PASSTHROUGH"}:
        yield Problem(f"{path}/mode", f"{tls.get('mode')} is not supported in a Sidecar")
    if protocol not in TLS:
        yield Problem(path, "a listener that is not HTTPS or TLS cannot have TLS settings")
    yield from server_tls(path, tls)


def _endpoint(path: str, value: str) -> Problems:
    if value.startswith(UNIX):
        yield from at(path, unix_path(value.removeprefix(UNIX)))
    elif value:
        found = re.fullmatch(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[^:]*)", value)
        host, number = ((found["six"] or found["host"] or ""), found["port"]) if found else ("", "")
        if found is None:
            yield Problem(path, f"{value} is no address with a port")
        if host not in _ENDPOINT_HOSTS:
            yield Problem(path, "defaultEndpoint must be a local address with a port, or unix://PATH")
        if re.fullmatch(r"[+-]?\d+", number):
            yield from at(path, port(int(number)))
        else:
            yield Problem(path, f"the port {number!r} of defaultEndpoint is no number")


def _port(path: str, given: Mapping[str, Json]) -> Problems:
    if integer(given.get("targetPort")):
        yield Problem(f"{path}/targetPort", "targetPort has no effect on Sidecars")
    name, protocol = text(given.get("name")), text(given.get("protocol")) or ""
    if name:
        yield from at(f"{path}/name", port_name(name))
    if protocol and parse(protocol) == UNSUPPORTED:
        yield Problem(f"{path}/protocol", f"unsupported protocol {protocol}")


def _egress(listeners: Sequence[Json], namespace: str) -> Problems:
    numbers: set[int] = set()
    sockets: set[str] = set()
    for position, value in enumerate(listeners):
        path = f"spec/egress[{position}]"
        if value is None:
            yield Problem(path, "an egress listener may not be null")
            continue
        listener = mapping(value)
        if listener.get("port") is None:
            if position != len(listeners) - 1:
                yield Problem(path, "the listener without a port must be the last one")
        else:
            yield from _egress_port(path, listener, numbers, sockets)
        yield from _egress_hosts(f"{path}/hosts", texts(listener.get("hosts")), namespace)


def _egress_port(path: str, listener: Mapping[str, Json], numbers: set[int], sockets: set[str]) -> Problems:
    given = mapping(listener.get("port"))
    number, bind = integer(given.get("number")) or 0, text(listener.get("bind")) or ""
    yield from _port(f"{path}/port", given)
    if number:
        yield from at(f"{path}/port/number", port(number))
        yield from bind_address(f"{path}/bind", bind)
        if number in numbers:
            yield Problem(f"{path}/port/number", "ports of listeners must be unique")
        numbers.add(number)
        return
    if bind.startswith(UNIX):
        yield from at(f"{path}/bind", unix_path(bind.removeprefix(UNIX)))
    else:
        yield Problem(f"{path}/bind", "a port of 0 needs a Unix domain socket to bind to")
    if listener.get("captureMode") not in {None, "DEFAULT", "NONE"}:
        yield Problem(f"{path}/captureMode", "captureMode must be DEFAULT or NONE for a Unix domain socket")
    if bind in sockets:
        yield Problem(f"{path}/bind", "Unix domain sockets of listeners must be unique")
    sockets.add(bind)


def _egress_hosts(path: str, hosts: Sequence[str], namespace: str) -> Problems:
    if not hosts:
        yield Problem(path, "an egress listener needs a host")
    known: dict[str, set[str]] = {}
    for host in hosts:
        before, slash, name = host.partition("/")
        if slash:
            names = known.setdefault(namespace if before == "." else before, set())
            if ("*" in names or name in names) if name != "*" else names:
                yield doubt(path, f"host {host} is named twice")
            names.add(name)
        yield from scoped_host(path, host, is_gateway=False)
    if "*" in known.get("*", ()) and len(known) > 1:
        yield doubt(path, "*/* takes in all hosts: others have no effect")


def _outbound(path: str, value: Json) -> Problems:
    proxy = mapping(value).get("egressProxy")
    if proxy is None:
        return
    # The enum's first value, which an unset mode has, is REGISTRY_ONLY.
    if mapping(value).get("mode") != "ALLOW_ANY":
        yield Problem(f"{path}/egressProxy", "egressProxy goes with the mode ALLOW_ANY only")
        return
    yield from at(f"{path}/egressProxy/host", fqdn(text(mapping(proxy).get("host")) or ""))
    if mapping(proxy).get("port") is None:
        yield Problem(f"{path}/egressProxy/port", "egressProxy needs a port")
        return
    yield from destination(f"{path}/egressProxy", proxy)
