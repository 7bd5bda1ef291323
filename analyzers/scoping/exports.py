"""`exportTo` for Services, ServiceEntries, VirtualServices and DestinationRules, from who needs each of them.

What is not exported to a namespace none of its proxies hears of, gateways included. So every consumer counts: those
seen to call, those that configuration binds, and the namespaces of which too little is known. A list that somebody
wrote is left alone, unless it hides the object from a consumer (`EXPORTTO_TOO_NARROW`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.scoping.configuration import texts
from analyzers.scoping.model import Reason, Replay, worst
from analyzers.scoping.names import visible
from analyzers.scoping.proposal import Consumer, Observed, Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzers.scoping.consumers import Consumers
    from analyzers.scoping.mesh import Mesh

_ANNOTATION: Final = "networking.istio.io/exportTo"
_API_VERSION: Final = {"Service": "v1"}


@dataclass(frozen=True, slots=True)
class _Exported:
    """One object that can be exported: where it is and whom it is exported to now (empty: everybody)."""

    kind: str
    namespace: str
    name: str
    export_to: tuple[str, ...]
    is_stated: bool


def export_proposals(mesh: Mesh, consumers: Consumers, observed: Observed) -> Iterator[Proposal]:
    """One for each object that could be exported to fewer namespaces, or is to too few; sorted by object."""
    for item in sorted(_exported(mesh), key=lambda item: (item.kind, item.namespace, item.name)):
        found = _proposal(item, consumers, observed)
        if found is not None:
            yield found


def _exported(mesh: Mesh) -> Iterator[_Exported]:
    configuration = mesh.configuration
    # Every Sidecar takes in the control plane's whole namespace (BASE), so what is there has everybody as a consumer.
    shared = {configuration.root_namespace, configuration.control_plane_namespace}
    seen: set[tuple[str, str, str]] = set()
    for service in mesh.registry.services:
        key = (service.kind, service.namespace, service.name)
        if key not in seen and not service.external_name and service.namespace not in shared:
            seen.add(key)
            yield _Exported(*key, service.export_to, bool(service.export_to))
    for kind, setting in (
        ("VirtualService", "defaultVirtualServiceExportTo"),
        ("DestinationRule", "defaultDestinationRuleExportTo"),
    ):
        default = texts(configuration.mesh.get(setting))
        for item in configuration.of(kind):
            # A delegate is merged into its root, and a rule for many hosts or of the root namespace is for everybody.
            if kind == "VirtualService" and not texts(item.spec.get("hosts")):
                continue
            if kind == "DestinationRule" and "*" in str(item.spec.get("host")):
                continue
            if item.namespace not in shared:
                stated = texts(item.spec.get("exportTo"))
                yield _Exported(kind, item.namespace, item.name, stated or default, bool(stated))


def _proposal(item: _Exported, consumers: Consumers, observed: Observed) -> Proposal | None:
    known = consumers.of(f"{item.kind}/{item.namespace}/{item.name}")
    hidden = [one for one in known if not visible(item.export_to, item.namespace, one.namespace)]
    unknown = {namespace for namespace in consumers.unobserved if visible(item.export_to, item.namespace, namespace)}
    if item.is_stated and "*" not in item.export_to:
        if not hidden:
            return None
        wanted = {*item.export_to, *(one.namespace for one in hidden)}
        reasons = list(_narrow(hidden))
    else:
        wanted = {one.namespace for one in known} | unknown
        if wanted | {item.namespace} >= consumers.proxied:
            return None  # everybody with a proxy needs it
        reasons = list(_judged(item, known, unknown, consumers))
    values = (".", *sorted(entry for entry in wanted if entry not in {".", item.namespace}))
    replay = _replay(item, known)
    if replay.calls_out_of_scope:
        lost = f"{replay.calls_out_of_scope} of {replay.calls_after} later calls"
        message = f"from the first half of the window alone it would have hidden it from {lost}"
        reasons.append(Reason("EMIT_REVIEW", f"{message} ({', '.join(replay.out_of_scope)})"))
    verdict = worst(reasons)
    others = (
        Consumer(namespace, consumers.unobserved[namespace], "unobserved")
        for namespace in sorted(unknown - {one.namespace for one in known})
    )
    return Proposal(
        kind="ExportTo",
        namespace=item.namespace,
        name=f"{item.kind.lower()}-{item.name}",
        target=f"{item.kind}/{item.namespace}/{item.name}",
        verdict=verdict,
        reasons=tuple(dict.fromkeys(reasons)),
        values=values,
        observed=observed,
        consumers=(*known, *others),
        replay=replay,
        manifest=None if verdict == "ABSTAIN" else _patch(item, values),
        rollback=None if verdict == "ABSTAIN" else _patch(item, item.export_to if item.is_stated else None),
    )


def _narrow(hidden: Iterable[Consumer]) -> Iterator[Reason]:
    for one in hidden:
        how = f"called it {one.calls} times" if one.calls else "needs it by configuration"
        message = f"{one.namespace}/{one.name} {how}, and it is not exported to {one.namespace}"
        yield Reason("EMIT_REVIEW", message, "EXPORTTO_TOO_NARROW")


def _judged(item: _Exported, known: tuple[Consumer, ...], unknown: set[str], consumers: Consumers) -> Iterator[Reason]:
    if unknown:
        listed = ", ".join(f"{namespace} ({consumers.unobserved[namespace]})" for namespace in sorted(unknown))
        message = f"of workloads in {listed} too little is known: their namespaces stay on the list"
        yield Reason("EMIT_REVIEW", message, "LOW_COVERAGE")
    if not known:
        message = f"nobody was seen to need it: only {item.namespace} would still know it"
        yield Reason("EMIT_REVIEW", message, "RARE_DEP")
    for one in known:
        if one.knowledge == "callee_log":
            message = f"{one.namespace}/{one.name} is known by the callee's log alone"
            yield Reason("EMIT_REVIEW", message, "LOW_COVERAGE")


def _replay(item: _Exported, known: tuple[Consumer, ...]) -> Replay:
    """Exported to those who called before the split: the later calls of namespaces that had not called yet."""
    early = {one.namespace for one in known if one.calls_before or not one.calls} | {item.namespace}
    late = [one for one in known if one.namespace not in early]
    return Replay(
        split_at=None,
        calls_before=sum(one.calls_before for one in known),
        calls_after=sum(one.calls - one.calls_before for one in known),
        calls_out_of_scope=sum(one.calls for one in late),
        out_of_scope=tuple(sorted({one.namespace for one in late})),
    )


def _patch(item: _Exported, values: tuple[str, ...] | None) -> Mapping[str, object]:
    """A merge patch: only what changes; null takes the field away."""
    head = {"apiVersion": _API_VERSION.get(item.kind, "networking.istio.io/v1"), "kind": item.kind}
    place: dict[str, object] = {"name": item.name, "namespace": item.namespace}
    if item.kind == "Service":
        place["annotations"] = {_ANNOTATION: None if values is None else ",".join(values)}
        return {**head, "metadata": place}
    return {**head, "metadata": place, "spec": {"exportTo": None if values is None else list(values)}}
