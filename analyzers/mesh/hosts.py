"""Host names: what a short name means where, and when patterns cover one another.

Source: istio/istio `pkg/config/host/name.go` and `pkg/config/resource` (short names are of the object's namespace).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SERVICE_PARTS: Final = 2


def full_name(host: str, namespace: str, domain: str = "cluster.local") -> str:
    """The full name of a host as an object of `namespace` means it: a name without a dot is a Service beside it.

    Names with a dot, and `*`, stay as they are, in lower case and without a final dot.
    """
    host = host.strip().lower().rstrip(".")
    if not host or host == "*" or "." in host or "*" in host:
        return host
    return f"{host}.{namespace}.svc.{domain}" if namespace else host


def service_of(host: str, domain: str = "cluster.local") -> tuple[str, str] | None:
    """Namespace and name of the Service that a full name means; null for other names."""
    suffix = f".svc.{domain}"
    if not host.endswith(suffix):
        return None
    parts = host.removesuffix(suffix).split(".")
    return (parts[1], parts[0]) if len(parts) == _SERVICE_PARTS and all(parts) else None


def spellings(host: str, namespace: str, domain: str = "cluster.local") -> tuple[str, ...]:
    """What a name may mean to a client of `namespace`, the likeliest first, as the search domains of a pod have it."""
    name = host.strip().lower().rstrip(".")
    parts = name.split(".")
    found = [name]
    if len(parts) == 1:
        found.insert(0, f"{name}.{namespace}.svc.{domain}")
    elif len(parts) == _SERVICE_PARTS:
        found.insert(0, f"{name}.svc.{domain}")
    elif parts[-1] == "svc":
        found.insert(0, f"{name}.{domain}")
    return tuple(dict.fromkeys(found))


def covers(pattern: str, host: str) -> bool:
    """Whether a host pattern (`*`, `*.suffix` or a name) takes in a host or another, narrower pattern."""
    if pattern in {host, "*"}:
        return True
    if pattern.startswith("*"):
        suffix = pattern[1:]
        return host.endswith(suffix) and (not host.startswith("*") or len(host) >= len(pattern))
    return False


def overlap(one: str, other: str) -> bool:
    """Whether two host patterns share a host."""
    return covers(one, other) or covers(other, one)


def most_specific(patterns: Iterable[str], host: str) -> str | None:
    """Of the patterns that take in `host` the one Envoy prefers: the name itself, then the longest suffix, then `*`."""
    found = [pattern for pattern in patterns if covers(pattern, host)]
    return max(found, key=lambda pattern: (pattern == host, len(pattern)), default=None)
