"""What a fault does to the configuration of a mesh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from tests.lab.model import DestinationPolicy, Mesh, RoutePolicy
from tests.lab.policies import AccessPolicy, Policies

if TYPE_CHECKING:
    from collections.abc import Callable


def route(policy: RoutePolicy) -> Callable[[Mesh], Mesh]:
    """That one VirtualService instead of all."""
    return lambda mesh: replace(mesh, routes=(policy,))


def destination(policy: DestinationPolicy) -> Callable[[Mesh], Mesh]:
    """Another DestinationRule for its service."""

    def changed(mesh: Mesh) -> Mesh:
        others = tuple(each for each in mesh.destinations if each.service != policy.service)
        return replace(mesh, destinations=(*others, policy))

    return changed


def policies(wanted: Policies) -> Callable[[Mesh], Mesh]:
    """These policies."""
    return lambda mesh: replace(mesh, policies=wanted)


def access(
    name: str, app: str, action: Literal["ALLOW", "DENY", "CUSTOM"], source_app: str = "", authorizer: str = ""
) -> Callable[[Mesh], Mesh]:
    """That one AuthorizationPolicy."""
    policy = AccessPolicy(name, app, action, source_app, authorizer)
    return policies(Policies(access=(policy,)))


def empty_subset(mesh: Mesh) -> Mesh:
    """All requests for reviews to a subset whose labels no pod has."""
    changed = destination(DestinationPolicy("reviews", subsets=("v1", "v2", "v9")))(mesh)
    return replace(changed, routes=(RoutePolicy("reviews", weights=(("v9", 100),)),))
