"""The entries that calls need, collected: requested names, aliases, VirtualServices elsewhere, listener carriers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from analyzers.scoping.model import HostDecision, Observation, Reason, Refusal, Role
from analyzers.scoping.names import qualified

if TYPE_CHECKING:
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.registry import Service

#: Since 1.20 Istio brings the destinations of VirtualServices' `mirrors` along; since 1.21 ExternalName is an alias.
MIRRORS_SINCE: Final = (1, 20)
ALIASES_SINCE: Final = (1, 21)
_MAXIMUM_ALIASES: Final = 8  # a chain longer than this is a circle


@dataclass(slots=True)
class Draft:
    """What is known of a workload's needs while its calls are read."""

    mesh: Mesh
    namespace: str
    version: tuple[int, int] | None
    newest: tuple[int, int] | None
    kept: dict[str, HostDecision] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    reasons: dict[Reason, None] = field(default_factory=dict)
    external: list[Observation] = field(default_factory=list)
    bypassed: list[tuple[Service, Observation]] = field(default_factory=list)
    direct: list[Observation] = field(default_factory=list)
    mirrored: int = 0

    def keep(self, host: str, role: Role, because: str, call: Observation | None = None) -> None:
        """Keep an entry; calls of an entry that is there already add up."""
        new = HostDecision(host, role, because)
        if call is not None:
            new = replace(
                new,
                calls=call.calls,
                evidence=(call.evidence,),
                first_seen=call.first_seen,
                last_seen=call.last_seen,
                slices=call.slices,
            )
        old = self.kept.get(host)
        self.kept[host] = new if old is None else _merged(old, new)

    def refuse(self, call: Observation, because: str) -> None:
        """Note a destination that gets no entry."""
        self.refusals.append(Refusal(call.callee or "(others)", because, call.calls, call.port, call.protocol))

    def warn(self, reason: Reason) -> None:
        """Note a reason once."""
        self.reasons[reason] = None


def keep(draft: Draft, call: Observation, routed: tuple[Service, ...]) -> None:
    """Keep the requested name's entry, or the routed host's where the request does not name a host of the mesh."""
    requested = draft.mesh.registry.resolve(call.requested, draft.namespace) if call.requested else ()
    if requested and requested[0].host != routed[0].host:
        if requested[0].external_name and _keep_alias(draft, call, requested[0], routed):
            return
        _keep_all(draft, requested, f"called by this name (routed to {routed[0].host})", call)
        if _is_destination(draft, requested[0].host, routed[0].host):
            return
    elif call.requested and not requested and _keep_virtual_host(draft, call, routed):
        return
    if call.by_minute:
        _keep_other_names(draft, call, routed)
    because = "called"
    if call.route in {"passthrough", "blackhole"}:
        because = f"called, and answered by {call.route} although it is a host of the registry"
    _keep_all(draft, routed, because, call)


def _keep_other_names(draft: Draft, call: Observation, routed: tuple[Service, ...]) -> None:
    """The rollup does not say by which name a service was called: names that lead to it may have been the one."""
    host = routed[0].host
    for found in draft.mesh.virtual_services.to(host, draft.namespace):
        for name in found.hosts:
            if name != host and not name.startswith("*"):
                entry = qualified(found.namespace, name)
                draft.keep(
                    entry, "virtual_service", f"VirtualService {found.namespace}/{found.name} leads to {host}", call
                )
                for service in draft.mesh.registry.resolve(name, draft.namespace):
                    draft.keep(service.entry, "virtual_service", f"{name} may be the name that was called", call)
                message = f"{host} may have been called as {name}, which minutes do not tell: both are imported"
                draft.warn(Reason("EMIT_REVIEW", message, "LOW_COVERAGE"))
    for alias in draft.mesh.registry.aliases_of(host, draft.namespace):
        for service in routed:
            draft.keep(qualified(service.namespace, alias.host), "alias", f"ExternalName of {host}", call)
        message = f"{host} may have been called as its alias {alias.host}: both names are imported"
        draft.warn(Reason("EMIT_REVIEW", message, "ALIAS"))


def _keep_all(draft: Draft, services: tuple[Service, ...], because: str, call: Observation) -> None:
    for service in services:
        draft.keep(service.entry, "called", because, call)
    host = services[0].host
    seen = {service.namespace for service in draft.mesh.registry.seen(host, draft.namespace)}
    chosen = sorted({service.namespace for service in services})
    if len(chosen) > 1:
        message = f"{host} is declared in {', '.join(chosen)}; Istio picks one, so every one is imported"
        draft.warn(Reason("EMIT_REVIEW", message, "DUP_HOST"))
    elif len(seen) > 1:
        message = f"{host} is declared in {', '.join(sorted(seen))}; clients of {draft.namespace} get {chosen[0]}'s"
        draft.warn(Reason("EMIT", message, "DUP_HOST"))


def _keep_alias(draft: Draft, call: Observation, alias: Service, routed: tuple[Service, ...]) -> bool:
    """An ExternalName that stands for a service of the mesh: both names, under the concrete service's namespace."""
    if draft.version is not None and draft.version < ALIASES_SINCE:
        before = f"before Istio {ALIASES_SINCE[0]}.{ALIASES_SINCE[1]}, {alias.host} is a service of its own"
        draft.warn(Reason("EMIT", f"{before}; later versions want it under its target's namespace", "VERSION_GATE"))
        if draft.newest is not None and draft.newest >= ALIASES_SINCE:
            _keep_all(draft, (alias,), "called; proxies of two versions, of which the older knows no aliases", call)
        else:
            return False
    names = [alias.host]
    target: tuple[Service, ...] = (alias,)
    while target and target[0].external_name and len(names) < _MAXIMUM_ALIASES:
        target = draft.mesh.registry.resolve(target[0].external_name, draft.namespace)
        names.append(target[0].host if target else "")
    if not target or target[0].host != routed[0].host:
        return False
    for service in target:
        draft.keep(service.entry, "called", f"called as its alias {alias.host}", call)
        for name in names[:-1]:
            draft.keep(qualified(service.namespace, name), "alias", f"ExternalName of {service.host}", call)
    draft.warn(Reason("EMIT", f"{alias.host} is an alias of {routed[0].host}: both names are imported", "ALIAS"))
    return True


def _keep_virtual_host(draft: Draft, call: Observation, routed: tuple[Service, ...]) -> bool:
    """A host that only VirtualServices know. True where one of them routes to where the call went."""
    host = call.requested or ""
    brought = False
    for service in draft.mesh.virtual_services.of(host, draft.namespace):
        entry = qualified(service.namespace, host)
        draft.keep(entry, "virtual_service", f"VirtualService {service.namespace}/{service.name} has this host", call)
        brought = brought or routed[0].host in service.destinations
    return brought


def _is_destination(draft: Draft, requested: str, routed: str) -> bool:
    """Whether a VirtualService of the requested host routes to the other one, which then needs no entry."""
    return any(routed in service.destinations for service in draft.mesh.virtual_services.of(requested, draft.namespace))


def is_brought(draft: Draft, host: str) -> bool:
    """Whether a VirtualService of an entry that was kept routes to the host."""
    return any(_is_destination(draft, entry.partition("/")[2], host) for entry in draft.kept)


def is_mirrored(draft: Draft, host: str) -> bool:
    """Whether an imported VirtualService mirrors to the host: the caller logs no line for a mirrored request."""
    names = (entry.partition("/")[2] for entry in draft.kept)
    services = (found for name in names for found in draft.mesh.virtual_services.of(name, draft.namespace))
    return any(host in service.mirrored for service in services)


def import_virtual_services(draft: Draft) -> None:
    """Add the namespaces of VirtualServices that live elsewhere than the host, and say what they bring along."""
    for decision in list(draft.kept.values()):
        namespace, _, host = decision.host.partition("/")
        for service in draft.mesh.virtual_services.of(host, draft.namespace):
            name = f"VirtualService {service.namespace}/{service.name}"
            if service.namespace != namespace and decision.role in {"called", "alias"}:
                draft.keep(qualified(service.namespace, host), "virtual_service", f"{name} routes {host}")
                message = f"{name} routes {host} of {namespace}: without {service.namespace}/{host} its rules are lost"
                draft.warn(Reason("EMIT", message, "VS_OTHER_NS"))
            for destination in sorted(service.destinations - {host}):
                _import_destination(draft, destination, name, gated=destination in service.listed_mirrors)


def _import_destination(draft: Draft, destination: str, name: str, *, gated: bool) -> None:
    for service in draft.mesh.registry.resolve(destination, draft.namespace):
        if service.entry in draft.kept:
            continue
        if gated and draft.version is not None and draft.version < MIRRORS_SINCE:
            draft.keep(service.entry, "version_gate", f"{name} mirrors to it")
            major, minor = draft.version
            message = f"Istio {major}.{minor} does not bring mirrors along: {service.entry} is imported by name"
            draft.warn(Reason("EMIT", message, "VERSION_GATE"))
        else:
            draft.keep(service.entry, "inferred", f"{name} routes or mirrors to it")


def carry_listeners(draft: Draft) -> None:
    """A host that only VirtualServices know is served on port 80 alone, and only where an imported service listens."""
    virtual = [kept for kept in draft.kept.values() if kept.role == "virtual_service"]
    registry = draft.mesh.registry
    orphans = [kept for kept in virtual if not registry.resolve(kept.host.partition("/")[2], draft.namespace)]
    if not orphans:
        return
    listening = {
        service.entry: service for service in registry.visible_from(draft.namespace) if 80 in service.http_ports
    }
    if any(kept.host in listening and kept.role != "inferred" for kept in draft.kept.values()):
        return
    names = ", ".join(kept.host for kept in orphans)
    if not listening:
        message = f"no service listens on HTTP port 80, which {names} needs to be routed at all"
        draft.warn(Reason("EMIT_REVIEW", message, "LISTENER_CARRIER"))
        return
    inferred = {kept.host for kept in draft.kept.values() if kept.role == "inferred"}
    carrier = min(
        listening.values(),
        key=lambda service: (service.entry not in inferred, service.namespace != draft.namespace, service.entry),
    )
    draft.kept[carrier.entry] = HostDecision(carrier.entry, "listener_carrier", f"its HTTP port 80 carries {names}")
    message = f"{carrier.entry} is imported for its listener on port 80, without which {names} is not routed"
    draft.warn(Reason("EMIT_REVIEW", message, "LISTENER_CARRIER"))


def _merged(old: HostDecision, new: HostDecision) -> HostDecision:
    return replace(
        old,
        # A call by name outranks a host that only came along.
        role=new.role if old.role in {"inferred", "virtual_service"} and new.role == "called" else old.role,
        because=new.because if old.role == "inferred" and new.role == "called" else old.because,
        calls=old.calls + new.calls,
        evidence=tuple(sorted({*old.evidence, *new.evidence})),
        first_seen=min((time for time in (old.first_seen, new.first_seen) if time), default=None),
        last_seen=max((time for time in (old.last_seen, new.last_seen) if time), default=None),
        slices=tuple(sorted({*old.slices, *new.slices})),
    )
