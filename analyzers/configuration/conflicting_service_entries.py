"""ServiceEntries that give one host and port different protocols.

**What.** ServiceEntries that the same namespaces see have a host and port number in common and state different
protocols for it.

**Why it matters.** A port has one listener: which protocol it gets depends on which ServiceEntry is older.

**Evidence.** The ServiceEntries, the host, the port and the protocols.

**Fix.** One protocol, one ServiceEntry, or `exportTo` that keeps them apart.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import EVERYWHERE, export_scopes, full_name, istio_code, spec_export_to
from analyzers.configuration.report import finding
from analyzers.mesh.objects import integer, mappings, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

CONFLICT: Final = istio_code(
    177, "Conflicting protocols of a ServiceEntry", "warning", "One host and port has several protocols.", "KIA1212"
)
#: Scope (a namespace or `*`), host and port number -> the protocols stated, with who states them.
_Index = dict[tuple[str, str, int], list[tuple[str, "MeshObject"]]]


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Each ServiceEntry once, for the first host and port that it is at odds over."""
    for cluster in mesh.clusters:
        index = _index(mesh, cluster, rules)
        reported: set[str] = set()
        for (scope, host, port), entries in sorted(index.items(), key=lambda item: item[0]):
            seen = entries if scope == EVERYWHERE else [*entries, *index.get((EVERYWHERE, host, port), [])]
            protocols = sorted({protocol for protocol, _ in seen})
            if len(protocols) > 1:
                names = ", ".join(sorted({full_name(item) for _, item in seen}))
                message = f"{host}:{port} is {' and '.join(protocols)} in ServiceEntries {names}"
                for _, item in seen:
                    if item.identity not in reported:
                        reported.add(item.identity)
                        yield finding(CONFLICT, item, message, path="spec/ports", identity=(host, str(port)))


def _index(mesh: Mesh, cluster: str, rules: Rules) -> _Index:
    index: defaultdict[tuple[str, str, int], list[tuple[str, MeshObject]]] = defaultdict(list)
    default = () if rules.istio else mesh.settings(cluster).default_service_export_to
    for item in mesh.of_kind("ServiceEntry", cluster=cluster):
        for scope in export_scopes(spec_export_to(item) or default, item.namespace):
            for host in texts(item.spec.get("hosts")):
                for _, port in mappings(item.spec.get("ports")):
                    protocol = (text(port.get("protocol")) or "").upper() or ("" if rules.istio else "TCP")
                    index[scope, host, integer(port.get("number")) or 0].append((protocol, item))
    return index


ANALYZER: Final = configuration_analyzer(
    "conflicting_service_entries", kinds=("ServiceEntry",), codes=(CONFLICT,), check=check, documentation=__doc__ or ""
)
