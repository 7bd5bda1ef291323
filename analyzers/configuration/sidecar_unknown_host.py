"""Sidecars that import hosts nobody has.

**What.** An entry of `egress[].hosts` that matches no Service, ServiceEntry or VirtualService of its namespace.

**Why it matters.** The workload gets no route to what was meant: calls go past the mesh, or are refused under
REGISTRY_ONLY.

**Evidence.** The entry; where the host exists in another namespace, that namespace. Entries for whole namespaces
(`shop/*`) are not judged.

**Fix.** `namespace/full.host.name`, with the namespace of the Service or ServiceEntry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, texts
from analyzers.mesh.services import services_of
from analyzers.mesh.sidecars import imports_of
from analyzers.mesh.virtual_services import virtual_services_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

UNKNOWN: Final = kiali_code("KIA1004", "Sidecar imports an unknown host", "warning", "No host matches the entry.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every entry of every egress listener. Without any Service nothing is judged."""
    del rules
    if not mesh.of_kind("Service"):
        return
    for item in mesh.of_kind("Sidecar"):
        is_root = item.namespace == mesh.settings(item.cluster).root_namespace
        for number, listener in mappings(item.spec.get("egress")):
            for position, entry in enumerate(texts(listener.get("hosts"))):
                wanted, slash, host = entry.lower().partition("/")
                if not slash or host == "*" or wanted.startswith("~") or (is_root and wanted == "."):
                    continue
                near = _namespaces(mesh, item, host)
                imports = imports_of((entry,), item.namespace)
                if not any(imports.takes_service(name, host) for name in near):
                    where = f"; it is in {', '.join(sorted(near))}" if near else ""
                    path = f"spec/egress[{number}]/hosts[{position}]"
                    yield finding(UNKNOWN, item, f"{entry} matches no host{where}", path=path)


def _namespaces(mesh: Mesh, item: MeshObject, host: str) -> set[str]:
    """The namespaces that have a service or VirtualService for a host."""
    services = services_of(mesh, item.cluster).by_host
    routes = virtual_services_of(mesh, item.cluster).in_mesh
    found = {one.namespace for _, near in services.covered_by(host) for one in near}
    return found | {one.item.namespace for _, near in routes.overlapping(host) for one in near}


ANALYZER: Final = configuration_analyzer(
    "sidecar_unknown_host", kinds=("Sidecar",), codes=(UNKNOWN,), check=check, documentation=__doc__ or ""
)
