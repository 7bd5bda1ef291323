"""What istiod says of a VirtualService as a whole, and of its TCP and TLS routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.configuration.validation.destinations import route_destinations
from analyzers.configuration.validation.headers import is_claim
from analyzers.configuration.validation.http_routes import http_route
from analyzers.configuration.validation.problems import Problem, at, doubt, refusals
from analyzers.configuration.validation.shared import elements, export_to, gateway_names, label_problems
from analyzers.configuration.validation.unreachable import unreachable
from analyzers.configuration.validation.values import (
    gateway_route_domain,
    is_address,
    port,
    subnet,
    wildcard_domain,
)
from analyzers.mesh.hosts import covers, overlap
from analyzers.mesh.objects import integer, mapping, mappings, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject


def virtual_service(item: MeshObject) -> Problems:
    """Every problem of a VirtualService."""
    spec = item.spec
    hosts, gateways = texts(spec.get("hosts")), texts(spec.get("gateways"))
    is_delegate = not hosts
    if is_delegate:
        for key in ("gateways", "tls", "tcp"):
            if elements(spec.get(key)):
                yield Problem(f"spec/{key}", f"a delegate (a VirtualService without hosts) must have no {key}")
    yield from gateway_names("spec/gateways", gateways)
    if not _is_of_gateways(gateways):
        yield from _claims(spec, gateways)
    yield from _hosts(hosts, gateways, is_sni=_names_sni(spec))
    if not any(elements(spec.get(key)) for key in ("http", "tcp", "tls")):
        yield Problem("spec", "one of http, tcp and tls is needed")
    for position, route in enumerate(elements(spec.get("http"))):
        path = f"spec/http[{position}]"
        if route is None:
            yield Problem(path, "an HTTP route may not be null")
        else:
            yield from http_route(path, mapping(route), is_delegate=is_delegate)
    for position, route in mappings(spec.get("tls")):
        yield from _tls_route(f"spec/tls[{position}]", route, hosts, gateways)
    for position, route in mappings(spec.get("tcp")):
        yield from refusals(_tcp_route(f"spec/tcp[{position}]", route))
    yield from export_to(item)
    yield from unreachable(spec)


def _is_of_gateways(gateways: tuple[str, ...]) -> bool:
    return bool(gateways) and "mesh" not in gateways


def _names_sni(spec: Mapping[str, Json]) -> bool:
    return any(
        elements(match.get("sniHosts"))
        for _, route in mappings(spec.get("tls"))
        for _, match in mappings(route.get("match"))
    )


def _claims(spec: Mapping[str, Json], gateways: tuple[str, ...]) -> Problems:
    for number, route in mappings(spec.get("http")):
        for position, match in mappings(route.get("match")):
            for part in ("headers", "withoutHeaders"):
                for key in mapping(match.get(part)):
                    if is_claim(key):
                        path = f"spec/http[{number}]/match[{position}]/{part}"
                        yield Problem(path, f"claims ({key}) can be matched at gateways only, not at {list(gateways)}")


def _hosts(hosts: tuple[str, ...], gateways: tuple[str, ...], *, is_sni: bool) -> Problems:
    is_of_gateways, all_valid = _is_of_gateways(gateways), True
    for position, host in enumerate(hosts):
        path = f"spec/hosts[{position}]"
        problem = gateway_route_domain(host, is_sni=is_sni) if is_of_gateways else wildcard_domain(host)
        if problem is not None:
            if not is_address(host):
                all_valid = False
                yield Problem(path, problem)
        elif not is_of_gateways and host == "*":
            all_valid = False
            yield Problem(path, "the host * is not allowed in the mesh")
    for position, host in enumerate(hosts if all_valid else ()):
        for other in hosts[position + 1 :]:
            if overlap(host, other):
                yield Problem("spec/hosts", f"hosts {host} and {other} overlap")


def _tls_route(path: str, route: Mapping[str, Json], hosts: tuple[str, ...], gateways: tuple[str, ...]) -> Problems:
    matches = elements(route.get("match"))
    if not matches:
        yield Problem(path, "a TLS route needs a match")
    for position, match in enumerate(matches):
        where = f"{path}/match[{position}]"
        if match is None:
            yield Problem(where, "a TLS match may not be null")
            continue
        names = texts(mapping(match).get("sniHosts"))
        if not names:
            yield Problem(where, "a TLS match needs a host in sniHosts")
        for name in names:
            yield from _sni_host(f"{where}/sniHosts", name, hosts, gateways)
        yield from _layer_4(where, mapping(match))
    if not elements(route.get("route")):
        yield Problem(path, "a TLS route needs a destination")
    yield from route_destinations(f"{path}/route", route.get("route"))


def _sni_host(path: str, name: str, hosts: tuple[str, ...], gateways: tuple[str, ...]) -> Problems:
    # A VirtualService without gateways counts as one of gateways here: nobody has named the mesh.
    is_of_gateways = "mesh" not in gateways
    problem = gateway_route_domain(name, is_sni=True) if is_of_gateways else wildcard_domain(name)
    if problem is not None:
        if is_address(name):
            yield doubt(path, f"the IP address {name} as an SNI name: most clients send none")
        else:
            yield Problem(path, problem)
    elif not any(covers(host, name) for host in hosts):
        yield Problem(path, f"SNI host {name!r} is not among the hosts {', '.join(hosts)}")


def _tcp_route(path: str, route: Mapping[str, Json]) -> Problems:
    for position, match in enumerate(elements(route.get("match"))):
        where = f"{path}/match[{position}]"
        if match is None:
            yield Problem(where, "a TCP match may not be null")
        else:
            yield from _layer_4(where, mapping(match))
    if not elements(route.get("route")):
        yield Problem(path, "a TCP route needs a destination")
    yield from route_destinations(f"{path}/route", route.get("route"))


def _layer_4(path: str, match: Mapping[str, Json]) -> Problems:
    for value in texts(match.get("destinationSubnets")):
        yield from at(f"{path}/destinationSubnets", subnet(value))
    number = integer(match.get("port")) or 0
    if number:
        yield from at(f"{path}/port", port(number))
    yield from label_problems(f"{path}/sourceLabels", match.get("sourceLabels"))
    yield from gateway_names(f"{path}/gateways", texts(match.get("gateways")))
