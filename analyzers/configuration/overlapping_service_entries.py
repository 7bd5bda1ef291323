"""ServiceEntries of which only one counts for a host and port.

**What.** Several ServiceEntries with one host and port that the same clients see.

**Why it matters.** Proxies take one of them: that of the client's own namespace, else the oldest. The endpoints and
settings of the others do nothing.

**Evidence.** The others. Entries that no client sees both of (`exportTo: ["."]` in two namespaces) are not compared.
Entries with different protocols are reported as such.

**Fix.** One ServiceEntry for a host, or exportTo.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.exports import EVERYWHERE
from analyzers.mesh.services import Service, services_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

OVERLAP: Final = kiali_code("KIA1211", "Host of several ServiceEntries", "warning", "One host and port has several.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every host and port that several ServiceEntries declare with one protocol."""
    del rules
    for cluster in mesh.clusters:
        declared: defaultdict[tuple[str, int], list[tuple[int, Service]]] = defaultdict(list)
        for service in services_of(mesh, cluster).all:
            if not service.is_kubernetes:
                for position, port in enumerate(service.ports):
                    declared[service.host, port.number].append((position, service))
        for (host, number), near in declared.items():
            protocols = {service.ports[position].protocol for position, service in near}
            if len(near) > 1 and len(protocols) == 1:
                yield from _overlaps(host, number, near)


def _overlaps(host: str, number: int, near: list[tuple[int, Service]]) -> Iterator[Finding]:
    for position, service in near:
        others = sorted({full_name(other.item) for _, other in near if other is not service and _meet(service, other)})
        if others:
            message = f"{host}:{number} is declared by {', '.join(others)}, too"
            path = f"spec/ports[{position}]"
            yield finding(OVERLAP, service.item, message, path=path, identity=(host,), evidence={"others": others})


def _meet(one: Service, other: Service) -> bool:
    """Whether some namespace sees both."""
    if EVERYWHERE in one.seen_by or EVERYWHERE in other.seen_by:
        return bool(one.seen_by and other.seen_by)
    return bool(one.seen_by & other.seen_by)


ANALYZER: Final = configuration_analyzer(
    "overlapping_service_entries", kinds=("ServiceEntry",), codes=(OVERLAP,), check=check, documentation=__doc__ or ""
)
