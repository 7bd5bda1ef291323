"""Policies of a lab mesh that refuse, narrow or limit: each becomes proxy configuration and an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PeerPolicy:
    """A PeerAuthentication for the workloads of one app; the mesh is STRICT otherwise."""

    app: str
    mode: Literal["STRICT", "DISABLE"]


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """An AuthorizationPolicy for one app with one rule: `source_app` is a service account, empty for everyone.

    CUSTOM asks the service `authorizer`, and allows what that allows.
    """

    name: str
    app: str
    action: Literal["ALLOW", "DENY", "CUSTOM"]
    source_app: str = ""
    authorizer: str = ""


@dataclass(frozen=True, slots=True)
class ScopePolicy:
    """A Sidecar for one app: the only services (short names) that its proxies know."""

    app: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """An EnvoyFilter with a local rate limit for one app."""

    app: str
    tokens: int = 1
    fill_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class RequestTimeout:
    """An EnvoyFilter on the gateway: how long a request may take to arrive."""

    milliseconds: int


@dataclass(frozen=True, slots=True)
class Policies:
    """All of them. `registry_only` is the mesh's outboundTrafficPolicy."""

    peers: tuple[PeerPolicy, ...] = ()
    access: tuple[AccessPolicy, ...] = ()
    scopes: tuple[ScopePolicy, ...] = ()
    rate_limits: tuple[RateLimit, ...] = ()
    request_timeout: RequestTimeout | None = None
    registry_only: bool = False

    def mode(self, app: str) -> Literal["STRICT", "DISABLE"]:
        """The mTLS mode in force for an app."""
        return next((policy.mode for policy in self.peers if policy.app == app), "STRICT")

    def access_of(self, app: str, action: str) -> tuple[AccessPolicy, ...]:
        """The policies of an app with one action."""
        return tuple(policy for policy in self.access if (policy.app, policy.action) == (app, action))

    def scope(self, app: str) -> tuple[str, ...] | None:
        """The services an app's proxies know; None for all."""
        return next((policy.services for policy in self.scopes if policy.app == app), None)
