"""Gateways of the Gateway API that want the same host, port or address.

**What.** Two Gateways on one address with a listener each for the same host, port and protocol; two that ask for one
IP address; one Gateway with two listeners of the same host, port and protocol.

**Why it matters.** One of the two listeners is not served.

**Evidence.** The other Gateway or listener. Gateways get a load balancer each: without an address in common (asked for
or given) nothing conflicts. Gateways that share a Service on purpose (an address of type Hostname) may differ in
hosts.

**Fix.** One listener for a host and port.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import integer, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

SAME_LISTENER: Final = kiali_code(
    "KIA1501", "Listener of several Gateways", "warning", "Two Gateways on one address serve a host and port."
)
SAME_ADDRESS: Final = kiali_code(
    "KIA1502", "Address of several Gateways", "warning", "Two Gateways ask for one address."
)
TWICE: Final = kiali_code("KIA1503", "Listener twice in a Gateway", "error", "Two listeners are the same.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every listener and address, by key."""
    del rules
    for cluster in mesh.clusters:
        asked: defaultdict[str, list[tuple[MeshObject, int]]] = defaultdict(list)
        served: defaultdict[tuple[str, object], list[tuple[MeshObject, int]]] = defaultdict(list)
        for item in mesh.of_kind("KubernetesGateway", cluster=cluster):
            for position, address in mappings(item.spec.get("addresses")):
                if (text(address.get("type")) or "IPAddress") == "IPAddress" and text(address.get("value")):
                    asked[str(address["value"])].append((item, position))
            yield from _twice(item)
            for key, position in _listeners(item).items():
                for place in _addresses(item):
                    served[place, key].append((item, position))
        for value, near in asked.items():
            for item, position in near if len({full_name(one) for one, _ in near}) > 1 else ():
                message = f"{value} is asked for by {_others(item, near)}, too"
                yield finding(SAME_ADDRESS, item, message, path=f"spec/addresses[{position}]/value")
        yield from _shared(served)


def _shared(served: dict[tuple[str, object], list[tuple[MeshObject, int]]]) -> Iterator[Finding]:
    reported: set[tuple[str, int]] = set()
    for (place, _), near in served.items():
        for item, position in near if len({full_name(one) for one, _ in near}) > 1 else ():
            if (item.identity, position) not in reported:
                reported.add((item.identity, position))
                message = f"{_others(item, near)} serves the same host and port on {place}, too"
                yield finding(SAME_LISTENER, item, message, path=f"spec/listeners[{position}]/hostname")


def _twice(item: MeshObject) -> Iterator[Finding]:
    first: dict[object, int] = {}
    for position, listener in mappings(item.spec.get("listeners")):
        earlier = first.setdefault(_key(listener), position)
        if earlier != position:
            message = f"the same host, port and protocol as spec/listeners[{earlier}]"
            yield finding(TWICE, item, message, path=f"spec/listeners[{position}]/hostname")


def _listeners(item: MeshObject) -> dict[object, int]:
    return {_key(listener): position for position, listener in mappings(item.spec.get("listeners"))}


def _key(listener: object) -> tuple[str, int | None, str]:
    values = listener if isinstance(listener, dict) else {}
    hostname = (text(values.get("hostname")) or "").lower()
    return hostname, integer(values.get("port")), text(values.get("protocol")) or ""


def _addresses(item: MeshObject) -> set[str]:
    """The addresses that a Gateway asks for or was given."""
    listed = [*mappings(item.spec.get("addresses")), *mappings(item.status.get("addresses"))]
    return {value for _, address in listed if (value := text(address.get("value")))}


def _others(item: MeshObject, near: list[tuple[MeshObject, int]]) -> str:
    return ", ".join(sorted({full_name(one) for one, _ in near if one is not item}))


ANALYZER: Final = configuration_analyzer(
    "gateway_listeners",
    kinds=("KubernetesGateway",),
    codes=(SAME_LISTENER, SAME_ADDRESS, TWICE),
    check=check,
    documentation=__doc__ or "",
)
