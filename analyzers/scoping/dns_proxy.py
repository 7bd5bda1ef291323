"""Names that only the proxy resolves: with DNS capture they are those of imported services, and no others.

The table that istiod sends (`pkg/dns/server/name_table.go`) holds the services of the egress listeners. ServiceEntries
that get an address from Istio, pods of StatefulSets and services of other clusters have no name anywhere else: out of
scope they stop resolving (`DNS_PROXY`). Destinations that a VirtualService brings along get a cluster, but no name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import yaml

from analyzers.scoping.configuration import mapping
from analyzers.scoping.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.registry import Service
    from analyzers.scoping.workloads import Workload

_CAPTURE: Final = "ISTIO_META_DNS_CAPTURE"


def captured(mesh: Mesh, workload: Workload) -> bool:
    """Whether the proxies of a workload answer its DNS: by the mesh's default, a ProxyConfig or the pods themselves."""
    settings = mesh.configuration.mesh
    value = mapping(mapping(settings.get("defaultConfig")).get("proxyMetadata")).get(_CAPTURE)
    for labels in workload.label_sets:
        for item in mesh.configuration.applying("ProxyConfig", workload.namespace, labels):
            value = mapping(item.spec.get("environmentVariables")).get(_CAPTURE, value)
    for pod in workload.living:
        value = mapping(_settings(pod.proxy_config).get("proxyMetadata")).get(_CAPTURE, value)
    return str(value).lower() == "true"


def judge(listeners: Iterable[Service], inferred: Iterable[Service]) -> Iterator[Reason]:
    """What DNS capture adds: names that rest on the hosts, and destinations that come along without a name."""
    named = sorted({service.entry for service in listeners if is_resolved_by_proxy_alone(service)})
    if named:
        message = f"the proxy answers DNS, and only for what is imported: {', '.join(named)} resolve through it alone"
        yield Reason("EMIT", message, "DNS_PROXY")
    nameless = sorted({service.entry for service in inferred if is_resolved_by_proxy_alone(service)})
    if nameless:
        message = f"{', '.join(nameless)} come along with a VirtualService and get no name from the DNS proxy"
        yield Reason("EMIT", f"{message}: a client that dials them itself needs them as hosts", "DNS_PROXY")


def is_resolved_by_proxy_alone(service: Service) -> bool:
    """Whether only Istio's DNS proxy may know the name: hosts of ServiceEntries without an address of their own, inside
    the mesh or not public, services that other clusters have, and the pods of headless services.
    """
    if service.kind == "ServiceEntry":
        return not service.addresses or service.location == "mesh"
    return service.is_headless or service.is_remote


def _settings(text: str | None) -> Mapping[str, object]:
    try:
        return mapping(yaml.safe_load(text)) if text else {}
    except yaml.YAMLError:
        return {}
