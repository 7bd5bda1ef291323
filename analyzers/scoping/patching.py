"""Why and how an existing Sidecar is patched instead of being given a rival."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.scoping.configuration import mapping
from analyzers.scoping.model import Reason, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from analyzers.scoping.assessment import Assessment
    from analyzers.scoping.configuration import MeshObject


def clash(item: Assessment, target: MeshObject, members: Sequence[Assessment]) -> Iterator[Reason]:
    """Why `target`, which selects the workload already, is patched. `members` are all workloads that it selects."""
    name = f"Sidecar {target.namespace}/{target.name}"
    message = f"{name} selects these pods already: a second one would be ignored or would replace it, so patch it"
    yield Reason("EMIT_REVIEW", message, "UNMANAGED_SIDECAR")
    others = [member for member in members if member.workload is not item.workload]
    if others or len(item.standing.clashing) > 1:
        rivals = [f"Sidecar {rival.namespace}/{rival.name}" for rival in item.standing.clashing[1:]]
        rivals += [f"workload {member.workload.name}" for member in others]
        message = f"{name} shares pods with {', '.join(rivals)}: the oldest Sidecar wins, and its hosts serve all"
        yield Reason("EMIT_REVIEW", message, "SELECTOR_OVERLAP")
    for member in others:
        if worst(member.reasons) == "ABSTAIN":
            message = f"{name} also selects {member.workload.name}, of which too little is known"
            yield Reason("ABSTAIN", message, "SELECTOR_OVERLAP")


def shadowed(shadowing: Iterable[MeshObject], *, patched: bool = False) -> Iterator[Reason]:
    """Sidecars with an empty selector overlap every other one: a new one may never be the first match."""
    for sidecar in shadowing:
        name = f"Sidecar {sidecar.namespace}/{sidecar.name}"
        message = f"{name} has an empty selector and matches these pods too; give it labels or drop its selector first"
        yield Reason("EMIT_REVIEW" if patched else "ABSTAIN", message, "SELECTOR_OVERLAP")


def outbound_policy(
    target: MeshObject, parent: MeshObject | None, members: Sequence[Assessment]
) -> tuple[Mapping[str, object] | None, tuple[Reason, ...]]:
    """The outbound policy to write into a patch: the namespace's, which people take to be inherited, unless what was
    observed goes outside the registry.
    """
    if parent is None or "outboundTrafficPolicy" in target.spec or "outboundTrafficPolicy" not in parent.spec:
        return None, ()
    inherits = f"Sidecar {target.namespace}/{target.name} does not inherit outboundTrafficPolicy"
    inherits += f" of {parent.namespace}/{parent.name}"
    outside = sorted({call.callee for member in members for call in member.dependencies.external})
    if outside:
        message = f"{inherits}; it is not carried over, since {', '.join(outside)} is called outside the registry"
        return None, (Reason("EMIT_REVIEW", message, "FIELD_LOSS"),)
    policy = mapping(parent.spec["outboundTrafficPolicy"])
    return policy, (Reason("EMIT_REVIEW", f"{inherits}; the patch states it", "FIELD_LOSS"),)
