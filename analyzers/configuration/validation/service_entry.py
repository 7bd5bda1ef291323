"""What istiod says of a ServiceEntry, a WorkloadEntry and a WorkloadGroup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.protocols import HTTP, TCP, TLS, UNSUPPORTED, parse
from analyzers.configuration.validation.problems import Problem, at, doubt
from analyzers.configuration.validation.shared import elements, export_to, label_problems, selector_problems
from analyzers.configuration.validation.values import (
    UNIX,
    fqdn,
    is_address,
    partial_wildcard,
    port,
    port_name,
    subnet,
    unix_path,
    wildcard_domain,
)
from analyzers.mesh.objects import integer, mapping, mappings, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject

_DNS: Final = frozenset({"DNS", "DNS_ROUND_ROBIN"})
_RESOLUTIONS: Final = frozenset({"NONE", "STATIC", "DYNAMIC_DNS", *_DNS})


def service_entry(item: MeshObject) -> Problems:
    """Every problem of a ServiceEntry; a bad selector is the only one that istiod tells."""
    spec = item.spec
    selector = spec.get("workloadSelector")
    refused = list(selector_problems("spec/workloadSelector", selector, "labels"))
    if refused:
        yield from refused
        return
    if selector is not None:
        if not mapping(mapping(selector).get("labels")):
            yield doubt("spec/workloadSelector", "a workload selector without labels selects the whole namespace")
        if elements(spec.get("endpoints")):
            yield Problem("spec/endpoints", "a ServiceEntry has either a workloadSelector or endpoints")
    resolution = text(spec.get("resolution")) or "NONE"
    hosts = texts(spec.get("hosts"))
    yield from _hosts(hosts, resolution)
    yield from _addresses(texts(spec.get("addresses")), resolution)
    names: set[str] = set()
    yield from _ports(spec, resolution, names)
    yield from _endpoints(spec, resolution, names)
    protocols = [parse(text(given.get("protocol")) or "") for _, given in mappings(spec.get("ports"))]
    if (
        resolution in _DNS
        and texts(spec.get("addresses"))
        and len(hosts) > 1
        and any(name in TCP for name in protocols)
    ):
        yield doubt("spec/hosts", "several hosts with addresses and a TCP port cannot be told apart")
    if resolution != "NONE" and len(hosts) > 1 and any(name not in HTTP | TLS for name in protocols):
        yield Problem("spec/hosts", "several hosts on ports that are neither HTTP nor TLS cannot be told apart")
    yield from export_to(item, allows_none=True)


def _hosts(hosts: tuple[str, ...], resolution: str) -> Problems:
    if not hosts:
        yield Problem("spec/hosts", "a ServiceEntry needs a host")
    for position, host in enumerate(hosts):
        path = f"spec/hosts[{position}]"
        if host == "*":
            yield Problem(path, "the host * is not allowed")
            continue
        yield from at(path, wildcard_domain(host))
        partial = partial_wildcard(host)
        if partial is not None:
            yield doubt(path, partial)
    if resolution == "DYNAMIC_DNS" and any(not host.startswith("*.") for host in hosts):
        yield Problem("spec/hosts", "hosts of resolution DYNAMIC_DNS must be wildcards")


def _addresses(addresses: tuple[str, ...], resolution: str) -> Problems:
    for position, value in enumerate(addresses):
        yield from at(f"spec/addresses[{position}]", subnet(value))
    if any("/" in value for value in addresses) and resolution not in {"NONE", "STATIC"}:
        yield Problem("spec/addresses", "ranges of addresses go with resolution NONE or STATIC only")


def _ports(spec: Mapping[str, Json], resolution: str, names: set[str]) -> Problems:
    """Problems of the ports; adds their names to `names`."""
    numbers: set[int] = set()
    is_allocated = resolution != "NONE"
    for position, value in enumerate(elements(spec.get("ports"))):
        path = f"spec/ports[{position}]"
        if value is None:
            yield Problem(path, "a port may not be null")
            continue
        given = mapping(value)
        name, number = text(given.get("name")) or "", integer(given.get("number")) or 0
        protocol = text(given.get("protocol")) or ""
        if name in names:
            yield Problem(f"{path}/name", f"port name {name} is used twice")
        if number in numbers:
            yield Problem(f"{path}/number", f"port {number} is used twice")
        names.add(name)
        numbers.add(number)
        if integer(given.get("targetPort")):
            yield from at(f"{path}/targetPort", port(integer(given.get("targetPort")) or 0))
        if not texts(spec.get("addresses")) and not is_allocated and protocol in {"", "TCP"}:
            yield doubt(path, "a TCP port needs addresses where istiod allocates none")
        yield from at(f"{path}/name", port_name(name))
        if protocol and parse(protocol) == UNSUPPORTED:
            yield Problem(f"{path}/protocol", f"unsupported protocol {protocol}")
        yield from at(f"{path}/number", port(number))


def _endpoints(spec: Mapping[str, Json], resolution: str, names: set[str]) -> Problems:
    endpoints = elements(spec.get("endpoints"))
    if resolution not in _RESOLUTIONS:
        yield Problem("spec/resolution", f"unsupported resolution {resolution}")
    elif resolution in {"NONE", "DYNAMIC_DNS"}:
        if endpoints:
            yield Problem("spec/endpoints", f"resolution {resolution} goes without endpoints")
        if spec.get("workloadSelector") is not None and resolution == "NONE":
            yield doubt("spec/workloadSelector", "a workloadSelector has no effect with resolution NONE")
    if resolution in _DNS and not endpoints and any(fqdn(host) is not None for host in texts(spec.get("hosts"))):
        yield Problem("spec/hosts", f"resolution {resolution} without endpoints needs full names as hosts")
    if resolution == "DNS_ROUND_ROBIN" and len(endpoints) > 1:
        yield Problem("spec/endpoints", f"resolution {resolution} takes one endpoint at most")
    yield from _each_endpoint(endpoints if resolution in {"STATIC", *_DNS} else [], resolution, names)


def _each_endpoint(endpoints: list[Json], resolution: str, names: set[str]) -> Problems:
    for position, endpoint in enumerate(endpoints):
        path = f"spec/endpoints[{position}]"
        if endpoint is None:
            yield Problem(path, "an endpoint may not be null")
        elif resolution == "STATIC":
            yield from _workload(path, mapping(endpoint), names, allows_name=False)
        else:
            given = text(mapping(endpoint).get("address")) or ""
            if not is_address(given) and fqdn(given) is not None:
                yield Problem(f"{path}/address", f"{given!r} is neither a full name nor an IP address")
            yield from label_problems(f"{path}/labels", mapping(endpoint).get("labels"))
            yield from _endpoint_ports(path, mapping(endpoint), names)


def _endpoint_ports(path: str, endpoint: Mapping[str, Json], names: set[str] | None) -> Problems:
    for name, value in mapping(endpoint.get("ports")).items():
        number = integer(value) or 0
        if names is not None and name not in names:
            yield Problem(f"{path}/ports", f"port {number} of an endpoint is not one of the ServiceEntry")
        yield from at(f"{path}/ports", port_name(name))
        yield from at(f"{path}/ports", port(number))


def _workload(path: str, entry: Mapping[str, Json], names: set[str] | None, *, allows_name: bool) -> Problems:
    given = text(entry.get("address")) or ""
    if not given:
        if not text(entry.get("network")):
            yield Problem(f"{path}/address", "an address is needed")
            return
        yield doubt(f"{path}/address", f"no address in network {entry.get('network')}")
    is_unix = given.startswith(UNIX)
    if is_unix:
        yield from at(f"{path}/address", unix_path(given.removeprefix(UNIX)))
        if mapping(entry.get("ports")):
            yield Problem(f"{path}/ports", f"the Unix domain socket {given} has no ports")
    elif given and not is_address(given) and (not allows_name or fqdn(given) is not None):
        yield Problem(f"{path}/address", f"{given!r} is no IP address{' or full name' if allows_name else ''}")
    yield from _endpoint_ports(path, entry, names)
    yield from label_problems(f"{path}/labels", entry.get("labels"))
    if is_unix and names is not None and len(names) != 1:
        yield Problem(f"{path}/address", "a Unix domain socket needs exactly one port of the ServiceEntry")


def workload_entry(item: MeshObject) -> Problems:
    """Every problem of a WorkloadEntry."""
    return _workload("spec", item.spec, None, allows_name=True)


def workload_group(item: MeshObject) -> Problems:
    """Every problem of a WorkloadGroup: the first of template and labels, or those of its probe."""
    if item.spec.get("template") is None:
        yield Problem("spec/template", "a template is needed")
        return
    labels = [problem.message for problem in label_problems("", mapping(item.spec.get("metadata")).get("labels"))]
    if labels:
        yield Problem("spec/metadata/labels", "; ".join(labels))
        return
    probe = item.spec.get("probe")
    if probe is not None:
        yield from _probe("spec/probe", mapping(probe))


def _probe(path: str, probe: Mapping[str, Json]) -> Problems:
    for key in ("periodSeconds", "initialDelaySeconds", "timeoutSeconds", "successThreshold", "failureThreshold"):
        if (integer(probe.get(key)) or 0) < 0:
            yield Problem(f"{path}/{key}", f"{key} cannot be negative")
    yield from _probe_method(path, probe)


def _probe_method(path: str, probe: Mapping[str, Json]) -> Problems:
    if "httpGet" in probe:
        request = mapping(probe.get("httpGet"))
        yield from at(f"{path}/httpGet/port", port(integer(request.get("port")) or 0))
        if request.get("scheme") not in {None, "", "HTTP", "HTTPS"}:
            yield Problem(f"{path}/httpGet/scheme", "the scheme of a probe is HTTP or HTTPS")
        for _, header in mappings(request.get("httpHeaders")):
            if not text(header.get("name")):
                yield Problem(f"{path}/httpGet/httpHeaders", "the name of a header cannot be empty")
    elif "tcpSocket" in probe:
        yield from at(f"{path}/tcpSocket/port", port(integer(mapping(probe.get("tcpSocket")).get("port")) or 0))
    elif "exec" in probe:
        if not elements(mapping(probe.get("exec")).get("command")):
            yield Problem(f"{path}/exec/command", "a command is needed")
    elif "grpc" not in probe:
        yield Problem(path, "a probe needs a method")
