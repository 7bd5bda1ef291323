"""Host names as Istio's Sidecar spells and matches them.

The normal form of an imported host is `<namespace>/<FQDN>`: exactly one slash, no port, sorted and without doubles.
Matching follows `pilot/pkg/model/sidecar.go` (SelectVirtualServices, selectServices) and `pkg/config/host/name.go`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Imports nothing: what a Sidecar says that needs no host at all.
NOTHING = "~/*"


def qualified(namespace: str, host: str) -> str:
    """`namespace/host`, lower case."""
    return f"{namespace}/{host}".lower()


def split(entry: str) -> tuple[str, str]:
    """The namespace and host of `namespace/host`; an entry without a slash counts for every namespace."""
    namespace, slash, host = entry.partition("/")
    return (namespace, host) if slash else ("*", namespace)


def normalised(entries: Iterable[str]) -> tuple[str, ...]:
    """Sorted entries without doubles; `ns/*` replaces all others of `ns` (Istio's validation warns of both)."""
    unique = set(entries)
    whole = {namespace for namespace, host in map(split, unique) if host == "*"}
    return tuple(sorted(entry for entry in unique if split(entry)[1] == "*" or split(entry)[0] not in whole))


def covers(pattern: str, host: str) -> bool:
    """Whether the host pattern `pattern` (FQDN, `*` or `*.suffix`) takes in `host`, itself perhaps a wildcard."""
    if pattern in {"*", host}:
        return True
    return pattern.startswith("*") and host.removeprefix("*").endswith(pattern[1:])


def either_covers(left: str, right: str) -> bool:
    """Whether one of two host patterns takes in the other: how a Sidecar's hosts find VirtualServices."""
    return covers(left, right) or covers(right, left)


def namespace_covers(pattern: str, namespace: str, own_namespace: str) -> bool:
    """Whether the namespace part of an entry (`*`, `.`, a name; `~` is none) takes in `namespace`."""
    return pattern == "*" or pattern == namespace or (pattern == "." and namespace == own_namespace)


def imports(entries: Iterable[str], namespace: str, host: str, own_namespace: str) -> bool:
    """Whether a Sidecar of `own_namespace` with these `hosts` imports the service `host` of `namespace`.

    A `~ns/host` entry excludes (Istio since July 2026; before, validation refused it), so it imports nothing here.
    """
    return any(
        namespace_covers(wanted, namespace, own_namespace) and covers(name, host)
        for wanted, name in map(split, entries)
    )


def visible(export_to: Sequence[str], owner_namespace: str, client_namespace: str) -> bool:
    """Whether `exportTo` lets `client_namespace` see an object of `owner_namespace`; empty means everybody."""
    return not export_to or any(
        entry in {"*", client_namespace} or (entry == "." and owner_namespace == client_namespace)
        for entry in export_to
    )


def full_name(host: str, namespace: str, domain: str) -> str:
    """A name in an Istio object as istiod reads it: without any dot it is a service of the object's namespace."""
    return host.lower() if "." in host or "*" in host else f"{host}.{namespace}.svc.{domain}".lower()


def spellings(name: str, client_namespace: str, domain: str) -> tuple[str, ...]:
    """The full names that `name` may stand for when a client in `client_namespace` dials it, the likeliest first."""
    name = name.lower().rstrip(".")
    dots = name.count(".")
    candidates = [name]
    if dots == 0:
        candidates.append(f"{name}.{client_namespace}.svc.{domain}")
    elif dots == 1:
        candidates.append(f"{name}.svc.{domain}")
    elif dots == 2 and name.endswith(".svc"):
        candidates.append(f"{name}.{domain}")
    return tuple(candidates)


def printable(text: str) -> str:
    """`text` on one line and without control characters: names from telemetry end up on terminals and in comments."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def is_address(name: str) -> bool:
    """Whether `name` is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_local_address(name: str) -> bool:
    """Whether `name` is a loopback or link-local address: the node itself or a cloud's metadata service."""
    if not is_address(name):
        return False
    address = ipaddress.ip_address(name)
    return address.is_link_local or address.is_loopback
