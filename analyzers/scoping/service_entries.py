"""Optional ServiceEntry drafts for hosts that calls reach outside the registry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzers.scoping.names import is_address
from analyzers.scoping.workloads import object_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzers.scoping.model import Observation

# Clients write what they like into an authority: only what can be a host name becomes one.
_HOST: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


def drafts(namespace: str, calls: Iterable[Observation]) -> tuple[Mapping[str, object], ...]:
    """One ServiceEntry a host, visible to the client's namespace alone; addresses and malformed names get none."""
    ports: dict[str, dict[int, str]] = {}
    for call in calls:
        if call.port is not None and _HOST.fullmatch(call.callee) and not is_address(call.callee):
            # A name on a TCP connection was its server name, so it was TLS.
            ports.setdefault(call.callee, {})[call.port] = "TLS" if call.protocol == "tcp" else "HTTP"
    return tuple(_draft(namespace, host, ports[host]) for host in sorted(ports))


def _draft(namespace: str, host: str, ports: Mapping[int, str]) -> Mapping[str, object]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {
            "name": object_name(host),
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "meshlens"},
        },
        "spec": {
            "exportTo": ["."],
            "hosts": [host],
            "location": "MESH_EXTERNAL",
            "ports": [
                {"name": f"{protocol.lower()}-{port}", "number": port, "protocol": protocol}
                for port, protocol in sorted(ports.items())
            ],
            "resolution": "DNS",
        },
    }
