"""From observed calls to imported hosts: which entry each call needs, and which calls need or get none.

A call has two names: the requested one (authority) and the routed one (cluster). A VirtualService is found by the
requested name and brings what it routes to, so the requested name is the entry wherever it is a host of the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.scoping.addresses import meant
from analyzers.scoping.entries import Draft, carry_listeners, import_virtual_services, is_brought, is_mirrored, keep
from analyzers.scoping.model import Evidence, HostDecision, Observation, Reason, Refusal
from analyzers.scoping.refusals import refuse
from analyzers.scoping.registry import is_api_server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.registry import Service

#: Ports of the proxy and of istiod (istio.io: ports used by Istio): telemetry, health and xDS, never an application.
PROXY_PORTS: Final = range(15000, 15100)

_ORDER: Final[dict[Evidence, int]] = {"caller_log": 0, "callee_log": 1, "metrics": 2}


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the calls of one workload need.

    `bypassed` are declared services reached past their clusters, `direct` calls to addresses of pods that no host could
    change; `mirrored` counts requests logged by mirrors alone.
    """

    decisions: tuple[HostDecision, ...]
    refusals: tuple[Refusal, ...]
    reasons: tuple[Reason, ...]
    external: tuple[Observation, ...]
    bypassed: tuple[tuple[Service, Observation], ...]
    direct: tuple[Observation, ...] = ()
    mirrored: int = 0

    @property
    def hosts(self) -> tuple[str, ...]:
        """The entries, without what is inferred."""
        return tuple(sorted({decision.host for decision in self.decisions if decision.role != "inferred"}))


def decide(
    mesh: Mesh,
    namespace: str,
    calls: Iterable[Observation],
    version: tuple[int, int] | None = None,
    newest: tuple[int, int] | None = None,
) -> Dependencies:
    """The entries that a workload of `namespace` needs for these calls.

    `version` is the oldest Istio version of its proxies, `newest` the newest: in the middle of an upgrade they differ.
    """
    draft = Draft(mesh, namespace, version, newest or version)
    seen_callees: set[str] = set()
    for call in sorted(calls, key=lambda call: (_ORDER[call.evidence], call.requested is None, call.callee)):
        _decide_one(draft, call, seen_callees)
    import_virtual_services(draft)
    carry_listeners(draft)
    return Dependencies(
        decisions=tuple(draft.kept[host] for host in sorted(draft.kept)),
        refusals=tuple(draft.refusals),
        reasons=tuple(draft.reasons),
        external=tuple(draft.external),
        bypassed=tuple(draft.bypassed),
        direct=tuple(draft.direct),
        mirrored=draft.mirrored,
    )


def _decide_one(draft: Draft, call: Observation, seen_callees: set[str]) -> None:
    if call.port is not None and call.port in PROXY_PORTS:
        draft.refuse(call, "a port of the proxy or the control plane itself")
        return
    routed = meant(draft, call)
    if call.evidence == "metrics" and call.callee in seen_callees:
        return
    seen_callees.add(call.callee)
    if not routed:
        refuse(draft, call)
        return
    if call.route in {"passthrough", "blackhole"}:
        if is_api_server(routed):
            draft.refuse(call, "the API server, reached by its address and not through the mesh")
            return
        draft.bypassed.extend((service, call) for service in routed)
    if call.evidence == "metrics" and is_brought(draft, routed[0].host):
        return
    if call.evidence == "callee_log" and is_mirrored(draft, routed[0].host):
        draft.mirrored += call.calls
        return
    if (
        call.evidence != "caller_log"
        and not call.long_lived
        and not any(service.entry in draft.kept for service in routed)
    ):
        source = "metrics show" if call.evidence == "metrics" else "the callee's log shows"
        draft.warn(
            Reason(
                "EMIT_REVIEW",
                f"{source} {call.calls} calls to {call.callee} that the caller's own log lacks; the host was added",
                "LOW_COVERAGE",
            )
        )
    keep(draft, call, routed)
