"""DestinationRules for a whole mesh or namespace, and the PeerAuthentications of those levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzers.mesh.objects import at, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject


@dataclass(frozen=True, slots=True)
class WideRule:
    """A rule for every service of a namespace (null: of the mesh), and the TLS mode that it sets for all ports."""

    item: MeshObject
    namespace: str | None
    mode: str

    @property
    def sends_mtls(self) -> bool:
        """Whether clients send mutual TLS under it."""
        return self.mode in {"ISTIO_MUTUAL", "MUTUAL"}


def wide_rules(mesh: Mesh, cluster: str) -> Iterator[WideRule]:
    """Every such rule that sets a TLS mode."""
    domain = mesh.settings(cluster).cluster_domain
    whole = {"*", "*.local", f"*.{domain}", f"*.svc.{domain}"}
    suffix = f".svc.{domain}"
    for item in mesh.of_kind("DestinationRule", cluster=cluster):
        host = (text(item.spec.get("host")) or "").lower()
        mode = text(at(item.spec, "trafficPolicy", "tls", "mode"))
        if mode is None or not host.startswith("*"):
            continue
        if host in whole:
            yield WideRule(item, None, mode)
        elif host.startswith("*.") and host.endswith(suffix) and "." not in host[2 : -len(suffix)]:
            yield WideRule(item, host[2 : -len(suffix)], mode)
