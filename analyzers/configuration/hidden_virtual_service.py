"""VirtualServices that a Sidecar keeps from the services it imports.

**What.** A Sidecar that imports a service, but not the namespace of the VirtualService for its host.

**Why it matters.** A VirtualService is looked for in its own namespace, not in that of the service: the workloads of
the Sidecar reach the service without its routes, timeouts and retries, while all others have them.

**Evidence.** The Sidecar, the host and the namespace that is missing.

**Fix.** Add `NAMESPACE/HOST` of the VirtualService to the Sidecar's hosts, or keep it beside the service.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh.services import services_of
from analyzers.mesh.sidecars import egress_listeners
from analyzers.mesh.virtual_services import VirtualService, virtual_services_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.mesh.services import Service

HIDDEN: Final = Code(
    "ML3028", "VirtualService hidden by a Sidecar", "warning", "A Sidecar imports a service without its routes."
)

#: Host, the service that has it, and a VirtualService of another namespace for it.
_Foreign = tuple[str, "Service", VirtualService]


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every Sidecar against the VirtualServices that do not live beside their service."""
    del rules
    for cluster in mesh.clusters:
        foreign = _foreign(mesh, cluster)
        for item in mesh.of_kind("Sidecar", cluster=cluster) if foreign else ():
            if item.spec.get("egress"):
                yield from _hidden(mesh, item, foreign)


def _foreign(mesh: Mesh, cluster: str) -> Mapping[str, Sequence[_Foreign]]:
    """VirtualServices for hosts of another namespace, by that namespace."""
    services = services_of(mesh, cluster)
    found: defaultdict[str, list[_Foreign]] = defaultdict(list)
    for owner in virtual_services_of(mesh, cluster).all:
        for host in owner.hosts if owner.is_in_mesh else ():
            for service in services.by_host.of(host):
                if service.namespace != owner.item.namespace:
                    found[service.namespace].append((host, service, owner))
    return found


def _hidden(mesh: Mesh, item: MeshObject, foreign: Mapping[str, Sequence[_Foreign]]) -> Iterator[Finding]:
    listeners = egress_listeners(item, item.namespace, mesh.settings(item.cluster).istio_version)
    named = {name for listener in listeners for name in listener.imports.included}
    near = foreign.values() if "*" in named else [foreign[name] for name in sorted(named & foreign.keys())]
    for host, service, owner in (one for group in near for one in group):
        namespace = owner.item.namespace
        if not service.is_seen_by(item.namespace) or not owner.is_seen_by(item.namespace):
            continue
        is_imported = any(listener.imports.takes_service(service.namespace, host) for listener in listeners)
        has_routes = any(
            listener.imports.takes_virtual_service(namespace, name, is_gateway_api=False)
            for listener in listeners
            for name in owner.hosts
        )
        if is_imported and not has_routes:
            message = f"{host} is imported without VirtualService {full_name(owner.item)}: {namespace} is not"
            step = f"Add {namespace}/{host} to spec.egress[].hosts."
            evidence = {"virtual_service": full_name(owner.item), "host": host}
            yield finding(
                HIDDEN, item, message, path="spec/egress", identity=(host,), next_step=step, evidence=evidence
            )


ANALYZER: Final = configuration_analyzer(
    "hidden_virtual_service", kinds=("Sidecar",), codes=(HIDDEN,), check=check, documentation=__doc__ or ""
)
