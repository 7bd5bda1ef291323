"""What would happen to a call that a scope leaves out.

ALLOW_ANY sends it through PassthroughCluster, to the address that the client dialled: without mTLS (refused where the
callee demands it), retries, balancing and subsets. REGISTRY_ONLY answers HTTP with 502 (`block_all`) and closes TCP
connections (BlackHoleCluster). Where the DNS proxy resolves names, those that only it knows fail before any call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.scoping.configuration import mapping
from analyzers.scoping.dns_proxy import is_resolved_by_proxy_alone
from analyzers.scoping.peer_authentication import is_strict

if TYPE_CHECKING:
    from analyzers.scoping.configuration import MeshObject
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.model import Observation, Outcome
    from analyzers.scoping.scope import Loss

ALLOW_ANY: Final = "ALLOW_ANY"
REGISTRY_ONLY: Final = "REGISTRY_ONLY"

SAID: Final[dict[Outcome, str]] = {
    "lost_virtual_service": "the call goes on without its rules",
    "dns_failure": "the name no longer resolves",
    "blocked_502": "answered with 502 by BlackHoleCluster",
    "connection_closed": "closed by BlackHoleCluster",
    "refused_plain_text": "plain text through PassthroughCluster, which STRICT mTLS refuses",
    "passthrough_plain_text": "through PassthroughCluster without mTLS, retries and subsets",
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What decides the outcome besides the scope: the policy for what is outside it, and whether DNS is captured."""

    mode: str = ALLOW_ANY
    dns_captured: bool = False


def outbound_mode(mesh_settings: object, sidecar: MeshObject | None) -> str:
    """The mode of `outboundTrafficPolicy` in force: the Sidecar's (one without a mode is REGISTRY_ONLY, the default of
    its protobuf), else the mesh's.
    """
    if sidecar is not None and "outboundTrafficPolicy" in sidecar.spec:
        return str(mapping(sidecar.spec["outboundTrafficPolicy"]).get("mode") or REGISTRY_ONLY)
    policy = mapping(mapping(mesh_settings).get("outboundTrafficPolicy"))
    return str(policy.get("mode") or ALLOW_ANY)


def outcome(mesh: Mesh, conditions: Conditions, call: Observation, loss: Loss) -> Outcome:
    """What would happen to a call that loses this."""
    if loss.part == "virtual_service":
        return "lost_virtual_service"
    if conditions.dns_captured and is_resolved_by_proxy_alone(loss.service):
        return "dns_failure"
    if conditions.mode == REGISTRY_ONLY:
        return "connection_closed" if call.protocol == "tcp" else "blocked_502"
    if loss.service.meshed_endpoints and is_strict(mesh, loss.service.namespace):
        return "refused_plain_text"
    return "passthrough_plain_text"
