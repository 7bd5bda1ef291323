"""EnvoyFilters with patches that change nothing.

**What.** A patch whose match fits no proxy or no part of its configuration: a context that none of the selected
workloads has (GATEWAY for sidecars alone), a service or port that the registry does not have, a version that no proxy
runs, a filter by a name that Envoy has dropped.

**Why it matters.** istiod applies what matches and says nothing of the rest: what the filter was to do is not done.

**Evidence.** The place, and what there is instead. Filters attached by `targetRefs` are not judged.

**Fix.** Correct the match; `istioctl proxy-config listener POD -o json` shows names and ports.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh.matching import expression_match
from analyzers.mesh.objects import Json, at, integer, mapping, mappings, strings, text
from analyzers.mesh.policy import has_targets
from analyzers.mesh.services import services_of
from analyzers.mesh.workloads import PROXY_CONTAINER, workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.mesh.workloads import Workload

IDLE: Final = Code("ML3029", "EnvoyFilter that patches nothing", "warning", "The patch matches no configuration.")

_CONTEXTS: Final[dict[str, frozenset[str]]] = {
    "GATEWAY": frozenset({"gateway"}),
    "SIDECAR_INBOUND": frozenset({"sidecar"}),
    "SIDECAR_OUTBOUND": frozenset({"sidecar"}),
}
#: Names that Envoy no longer has -> those that it has (Envoy 1.14 on; `DeprecatedFilterNames` in istio/istio).
_OLD_NAMES: Final = {
    "envoy.http_connection_manager": "envoy.filters.network.http_connection_manager",
    "envoy.tcp_proxy": "envoy.filters.network.tcp_proxy",
    "envoy.router": "envoy.filters.http.router",
    "envoy.cors": "envoy.filters.http.cors",
    "envoy.fault": "envoy.filters.http.fault",
    "envoy.lua": "envoy.filters.http.lua",
    "envoy.ext_authz": "envoy.filters.http.ext_authz",
    "envoy.rate_limit": "envoy.filters.http.ratelimit",
}
_VERSION: Final = re.compile(r"(?:^|[:v])(\d+\.\d+\.\d+)")
#: Ports that proxies listen at by themselves.
_OWN_PORTS: Final = frozenset({0, 15001, 15006, 15008, 15021, 15090})


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every patch of every EnvoyFilter."""
    del rules
    for cluster in mesh.clusters:
        numbers = {port.number for service in services_of(mesh, cluster).all for port in service.ports}
        for item in mesh.of_kind("EnvoyFilter", cluster=cluster):
            if has_targets(item):
                continue
            near = _selected(mesh, item)
            for position, patch in mappings(item.spec.get("configPatches")):
                match = mapping(patch.get("match"))
                for path, message in _problems(mesh, item, match, near, numbers):
                    yield finding(IDLE, item, message, path=f"spec/configPatches[{position}]/match/{path}")


def _selected(mesh: Mesh, item: MeshObject) -> tuple[Workload, ...]:
    is_root = item.namespace == mesh.settings(item.cluster).root_namespace
    labels = strings(at(item.spec, "workloadSelector", "labels"))
    found = workloads_of(mesh, item.cluster).selected(None if is_root else item.namespace, labels)
    return tuple(one for one in found if one.data_plane in {"sidecar", "gateway", "waypoint"})


def _problems(
    mesh: Mesh, item: MeshObject, match: Mapping[str, Json], near: Sequence[Workload], numbers: set[int]
) -> Iterator[tuple[str, str]]:
    context = text(match.get("context")) or "ANY"
    planes = {workload.data_plane for workload in near}
    if planes and context in _CONTEXTS and not planes & _CONTEXTS[context]:
        yield "context", f"{context} is none of the selected workloads, which are {', '.join(sorted(planes))}"
    wanted = text(at(match, "proxy", "proxyVersion"))
    versions = {version for workload in near if (version := _version(workload))}
    if wanted and versions and all(_misses(wanted, version) for version in versions):
        yield "proxy/proxyVersion", f"no proxy runs a version like {wanted}; there are {', '.join(sorted(versions))}"
    yield from _cluster(mesh, item, mapping(match.get("cluster")))
    yield from _names(mapping(match.get("listener")))
    if context != "SIDECAR_INBOUND" and "gateway" not in planes:
        for kind in ("listener", "routeConfiguration", "cluster"):
            port = integer(at(match, kind, "portNumber"))
            if port is not None and context == "SIDECAR_OUTBOUND" and numbers and port not in numbers | _OWN_PORTS:
                yield f"{kind}/portNumber", f"no service of the mesh has port {port}"


def _cluster(mesh: Mesh, item: MeshObject, match: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    host = (text(match.get("service")) or "").lower()
    services = services_of(mesh, item.cluster)
    if not host or not services.all:
        return
    found = services.by_host.best(host)
    if not found:
        yield "cluster/service", f"no service is called {host}"
        return
    port = integer(match.get("portNumber"))
    if port is not None and all(service.port(port) is None for service in found):
        yield "cluster/portNumber", f"{host} has no port {port}"


def _names(listener: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    chain = mapping(at(listener, "filterChain", "filter"))
    places = (("filter/name", chain), ("filter/subFilter/name", mapping(chain.get("subFilter"))))
    for path, value in places:
        name = text(value.get("name")) or ""
        if name in _OLD_NAMES:
            yield f"listener/filterChain/{path}", f"{name} is now called {_OLD_NAMES[name]}"


def _version(workload: Workload) -> str | None:
    for part in ("containers", "initContainers"):
        for _, container in mappings(workload.spec.get(part)):
            if text(container.get("name")) == PROXY_CONTAINER:
                found = _VERSION.search((text(container.get("image")) or "").rpartition("/")[2])
                return found[1] if found else None
    return None


def _misses(wanted: str, version: str) -> bool:
    """Whether an expression (which istiod searches for anywhere) surely does not fit a version."""
    return expression_match(f".*(?:{wanted}).*", version) is False


ANALYZER: Final = configuration_analyzer(
    "idle_envoy_filter", kinds=("EnvoyFilter",), codes=(IDLE,), check=check, documentation=__doc__ or ""
)
