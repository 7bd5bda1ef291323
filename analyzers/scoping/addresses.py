"""Which service an observed destination was at the time: names by the registry, addresses by who had them then.

Addresses are used again: a pod's by the next pod, a Service's by the next Service. What counts is who had one when it
was dialled, never who has it now (`IP_REUSE`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.scoping.model import Observation, Reason

if TYPE_CHECKING:
    from analyzers.scoping.entries import Draft
    from analyzers.scoping.model import Verdict
    from analyzers.scoping.registry import Service


def meant(draft: Draft, call: Observation) -> tuple[Service, ...]:
    """The services that a call went to; empty where no host of the registry was meant."""
    if not call.callee:
        return ()
    registry = draft.mesh.registry
    if call.callee in draft.mesh.reused:
        return _had_address(draft, call)
    found = registry.resolve(call.callee, draft.namespace)
    if found or call.pod is None:
        return found
    if call.owners > 1:
        who = "/".join(call.pod)
        message = f"{call.callee} belonged to {call.owners} pods in turn; at the time of these calls to {who}"
        draft.warn(Reason("EMIT", message, "IP_REUSE"))
    hosts = draft.mesh.served_by_pod.get(call.pod, ())
    served = (service for host in hosts for service in registry.resolve(host, draft.namespace))
    return tuple(dict.fromkeys(service for service in served if service.is_headless))


def _had_address(draft: Draft, call: Observation) -> tuple[Service, ...]:
    """The services that had a reused address while it was called."""
    holders = [
        tenure.host
        for tenure in draft.mesh.reused[call.callee]
        if (call.last_seen is None or tenure.start <= call.last_seen)
        and (call.first_seen is None or tenure.end is None or tenure.end >= call.first_seen)
    ]
    verdict: Verdict = "EMIT" if len(holders) == 1 else "EMIT_REVIEW"
    listed = ", ".join(holders) or "nobody"
    message = f"{call.callee} belonged to several services in turn; while it was called, to {listed}"
    draft.warn(Reason(verdict, message, "IP_REUSE"))
    found = (service for host in holders for service in draft.mesh.registry.resolve(host, draft.namespace))
    return tuple(dict.fromkeys(found))
