"""Which namespaces demand mTLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.scoping.configuration import mapping

if TYPE_CHECKING:
    from analyzers.scoping.mesh import Mesh


def is_strict(mesh: Mesh, namespace: str) -> bool:
    """Whether PeerAuthentication asks for mTLS in a whole namespace: its own rule, else the mesh's."""
    modes = {
        item.namespace: mapping(item.spec.get("mtls")).get("mode")
        for item in mesh.configuration.of("PeerAuthentication")
        if not item.selector
    }
    mode = modes.get(namespace)
    if mode in {None, "UNSET"}:
        mode = modes.get(mesh.configuration.root_namespace)
    return mode == "STRICT"
