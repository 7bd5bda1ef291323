"""Objects whose status says that a controller did not accept or program them.

**What.** Status conditions of Services, ServiceEntries, WorkloadEntries, AuthorizationPolicies, Gateways and routes
that istiod or a Gateway's controller sets to false (or, for AuthorizationPolicies, to partly invalid).

**Why it matters.** The object is there and has no, or half an, effect.

**Evidence.** The condition's type, reason and message.

**Fix.** The message says what is refused.

Beyond Istio's check: conditions of a Gateway's listeners are read, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject

NEGATIVE: Final = istio_code(
    171,
    "Negative status condition",
    "warning",
    "A controller wrote a negative condition into the object's status.",
    "GWAPI",
)

_ROUTE: Final = frozenset({"Accepted", "Programmed", "ResolvedRefs"})
_BOUND: Final = frozenset({"istio.io/WaypointBound"})

#: Kind -> condition types that are negative where they are `False`.
_NEGATIVE: Final[dict[str, frozenset[str]]] = {
    "Service": _BOUND,
    "ServiceEntry": _BOUND,
    "WorkloadEntry": _BOUND,
    "AuthorizationPolicy": frozenset({"ZtunnelAccepted", "WaypointAccepted"}),
    "KubernetesGateway": _ROUTE,
    "HTTPRoute": _ROUTE,
    "GRPCRoute": _ROUTE,
}

KINDS: Final = tuple(_NEGATIVE)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every condition of every object of these kinds."""
    for kind, negative in _NEGATIVE.items():
        for item in mesh.of_kind(kind):
            for path, condition in _conditions(kind, item, listeners=not rules.istio):
                if _is_negative(kind, condition, negative):
                    yield _finding(item, path, condition)


def _conditions(kind: str, item: MeshObject, *, listeners: bool) -> Iterator[tuple[str, Mapping[str, Json]]]:
    if kind in {"HTTPRoute", "GRPCRoute"}:
        for place, parent in mappings(item.status.get("parents")):
            for position, condition in mappings(parent.get("conditions")):
                yield f"status/parents[{place}]/conditions[{position}]", condition
        return
    for position, condition in mappings(item.status.get("conditions")):
        yield f"status/conditions[{position}]", condition
    if listeners:
        for place, listener in mappings(item.status.get("listeners")):
            for position, condition in mappings(listener.get("conditions")):
                yield f"status/listeners[{place}]/conditions[{position}]", condition


def _is_negative(kind: str, condition: Mapping[str, Json], negative: frozenset[str]) -> bool:
    name = text(condition.get("type")) or ""
    if name in negative and condition.get("status") in {"False", False}:
        return True
    partly = name == "WaypointAccepted" and condition.get("reason") == "PartiallyInvalid"
    return kind == "AuthorizationPolicy" and partly


def _finding(item: MeshObject, path: str, condition: Mapping[str, Json]) -> Finding:
    name, reason = (text(condition.get(key)) or "?" for key in ("type", "reason"))
    said = text(condition.get("message")) or "no message"
    message = f"{name} is {condition.get('status')}: {reason}: {said}"
    return finding(NEGATIVE, item, message, path=path, evidence={"condition": name, "reason": reason, "message": said})


ANALYZER: Final = configuration_analyzer(
    "negative_condition",
    kinds=KINDS,
    codes=(NEGATIVE,),
    check=check,
    documentation=__doc__ or "",
)
