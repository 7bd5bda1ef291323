"""Which hosts there are for whom: Services and ServiceEntries by the namespaces that see them.

Source: `pkg/config/analysis/analyzers/util/service_lookup.go`, which also says how Istio's own checks look hosts up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.configuration.common import EVERYWHERE, HERE, export_scopes, spec_export_to
from analyzers.mesh.hosts import full_name
from analyzers.mesh.objects import integer, mappings, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

EXPORT_ANNOTATION: Final = "networking.istio.io/exportTo"
_ISTIO_DOMAIN: Final = "cluster.local"


@dataclass(frozen=True, slots=True)
class Host:
    """A host and what declares it; `ports` are its port numbers."""

    name: str
    item: MeshObject
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts by scope (a namespace, or `*`) and full name, and the wildcards among them."""

    domain: str
    by_scope: Mapping[tuple[str, str], Host]
    wildcards: tuple[tuple[str, Host], ...]

    def find(self, name: str, namespace: str, export_to: tuple[str, ...] = ()) -> Host | None:
        """The host that an object of `namespace`, itself exported to `export_to`, means by `name`."""
        host = full_name(name, namespace, self.domain)
        scopes = [EVERYWHERE]
        scopes += [namespace if scope == HERE else scope for scope in export_to] if export_to else [namespace]
        for scope in scopes:
            found = self.by_scope.get((scope, host))
            if found is not None:
                return found
        return next(self._wildcard(host, namespace), None)

    def matching(self, pattern: str, namespace: str) -> Iterator[Host]:
        """The hosts that a wildcard takes in, as `namespace` sees them."""
        suffix = pattern.removeprefix("*")
        for (scope, host), found in self.by_scope.items():
            if scope in {EVERYWHERE, namespace} and host.endswith(suffix):
                yield found

    def _wildcard(self, host: str, namespace: str) -> Iterator[Host]:
        for scope, found in self.wildcards:
            if scope in {EVERYWHERE, namespace} and host.removeprefix("*").endswith(found.name.removeprefix("*")):
                yield found


def hosts_of(mesh: Mesh, cluster: str, rules: Rules) -> Hosts:
    """The hosts of a cluster, made once for each mode."""
    return mesh.cached(f"hosts {cluster} {rules.istio}", lambda known: _hosts(known, cluster, rules))


def _hosts(mesh: Mesh, cluster: str, rules: Rules) -> Hosts:
    settings = mesh.settings(cluster)
    domain = _ISTIO_DOMAIN if rules.istio else settings.cluster_domain
    default = () if rules.istio else settings.default_service_export_to
    by_scope: dict[tuple[str, str], Host] = {}
    for item in mesh.of_kind("ServiceEntry", cluster=cluster):
        ports = _numbers(item, "number")
        for scope in export_scopes(spec_export_to(item) or default, item.namespace):
            for name in texts(item.spec.get("hosts")):
                host = full_name(name, item.namespace, domain)
                by_scope[scope, host] = Host(host, item, ports)
    for item in mesh.of_kind("Service", cluster=cluster):
        host = full_name(item.name, item.namespace, domain)
        stated = [part.strip() for part in item.annotations.get(EXPORT_ANNOTATION, "").split(",") if part.strip()]
        for scope in export_scopes(stated or default, item.namespace):
            by_scope[scope, host] = Host(host, item, _numbers(item, "port"))
    wildcards = tuple((scope, host) for (scope, name), host in by_scope.items() if name.startswith("*"))
    return Hosts(domain, by_scope, wildcards)


def _numbers(item: MeshObject, key: str) -> tuple[int, ...]:
    found = (integer(port.get(key)) for _, port in mappings(item.spec.get("ports")))
    return tuple(number for number in found if number is not None)
