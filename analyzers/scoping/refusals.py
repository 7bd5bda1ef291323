"""Why a destination gets no host: local, blocked, hidden, gone, or outside the registry altogether."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from analyzers.scoping.model import Observation, Reason
from analyzers.scoping.names import is_address, is_local_address

if TYPE_CHECKING:
    from analyzers.scoping.entries import Draft

#: What Istio's DNS proxy hands out for ServiceEntries without an address.
AUTO_ALLOCATED: Final = (ipaddress.ip_network("240.240.0.0/16"), ipaddress.ip_network("2001:2::/48"))


def refuse(draft: Draft, call: Observation) -> None:
    """Note a destination that no entry can name, and warn of it."""
    if call.callee and is_local_address(call.callee):
        draft.refuse(call, "a local address: the node or the cloud's metadata service")
    elif call.owners:
        _refuse_pod(draft, call)
    elif call.callee and _refuse_hidden(draft, call):
        return
    elif call.route == "blackhole":
        draft.refuse(call, "blocked by REGISTRY_ONLY: attempted, not a dependency")
    elif call.route == "registry" and call.evidence == "caller_log":
        draft.refuse(call, "no longer in the registry")
        draft.warn(Reason("EMIT", f"{call.callee} was called and is no longer declared: dropped", "STALE_DEP"))
    elif call.evidence == "callee_log":
        draft.refuse(call, "named by the callee's log only, and no host of the registry")
    elif call.route == "passthrough" or call.evidence == "metrics":
        if call.callee != "passthroughcluster" or not draft.external:  # metrics may not name what logs do
            draft.refuse(call, "not in the registry: no entry would match it")
            draft.external.append(call)
    else:
        draft.refuse(call, "not in the registry, and no route took it")


def _refuse_hidden(draft: Draft, call: Observation) -> bool:
    """A name or address of something declared that this client cannot see. False: there is nothing of that kind."""
    mesh = draft.mesh
    unread = mesh.undiscovered.declared(call.callee, draft.namespace)
    if unread:
        owners = ", ".join(sorted({service.namespace for service in unread}))
        draft.refuse(call, "declared in a namespace that no discoverySelector picks: istiod does not know it")
        message = f"{call.callee} was called {call.calls} times, and no discoverySelector picks {owners}"
        message += ": istiod does not know it, and no host can import it"
        draft.warn(Reason("EMIT_REVIEW", message, "DISCOVERY_BLOCK"))
    elif mesh.registry.declared(call.callee, draft.namespace) and call.route != "blackhole":
        draft.refuse(call, "declared, but exportTo hides it from this namespace")
        message = f"{call.callee} was called {call.calls} times and is not exported to {draft.namespace}"
        draft.warn(Reason("EMIT_REVIEW", message, "EXPORTTO_TOO_NARROW"))
    elif _is_auto_allocated(call.callee):
        draft.refuse(call, "an address that Istio's DNS proxy handed out for a ServiceEntry whose name no log shows")
        message = f"{call.callee} is an address of Istio's DNS proxy: import the ServiceEntry that it stands for"
        draft.warn(Reason("EMIT_REVIEW", message, "DNS_PROXY"))
    else:
        return False
    return True


def _refuse_pod(draft: Draft, call: Observation) -> None:
    """The address of a pod that no headless service has: it passes by every cluster, whatever is imported."""
    if call.pod is None:
        draft.refuse(call, f"an address that {call.owners} pods had in turn, none of them known to have had it then")
        message = f"{call.callee} was dialled when no known pod had it, and {call.owners} had it at other times"
        draft.warn(Reason("EMIT_REVIEW", message, "IP_REUSE"))
        return
    draft.refuse(call, f"the address of pod {'/'.join(call.pod)}: such a call passes by every cluster, in scope or not")
    draft.direct.append(call)


def _is_auto_allocated(name: str) -> bool:
    return is_address(name) and any(ipaddress.ip_address(name) in network for network in AUTO_ALLOCATED)
