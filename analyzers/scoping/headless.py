"""What headless services cost a proxy: a listener for each pod and TCP port, and a push whenever a pod comes or goes.

A cluster IP has one listener. Without one, clients dial pods, and istiod makes a listener for every address
(`listener.go`; HTTP ports share one, and with EnableHeadlessFilterChainListener TCP ports too). The import is right all
the same: without it the calls pass by mTLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.scoping.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzers.scoping.registry import Service


def listeners_of(service: Service) -> int:
    """Listeners for the TCP ports of one service: one a port, and for a headless one one a pod."""
    tcp = len(set(service.ports) - set(service.http_ports))
    return tcp * (service.endpoints if service.is_headless else 1)


def judge(listeners: Iterable[Service]) -> Iterator[Reason]:
    """A warning for each imported headless Service."""
    for service in sorted(listeners, key=lambda service: service.entry):
        if service.is_headless and service.kind == "Service":
            count = listeners_of(service)
            each = f"{count} listeners, one for each of its {service.endpoints} pods and TCP ports, and "
            cost = f"{each if count else ''}a push to every proxy that imports it whenever one of its pods changes"
            yield Reason("EMIT", f"{service.entry} is headless: {cost}", "HEADLESS_COST")
