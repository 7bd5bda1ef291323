"""Webhooks of an external control plane with an address that cannot work, or that is a bare IP address.

**What.** Istio's injector and validator webhooks without an address, with one that is no URL, or whose host is an IP.

**Why it matters.** Pods are created without sidecars, or not at all. A certificate seldom names an IP address.

**Evidence.** The webhook and its URL.

**Fix.** A URL with a host name that the API server resolves. Names are not looked up: a check of files must not
depend on where it runs.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mapping, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

INVALID: Final = istio_code(
    163, "Invalid external control plane", "warning", "A webhook's address is missing or is no URL."
)
ADDRESS: Final = istio_code(
    164, "External control plane by IP address", "info", "A webhook's URL has an IP address instead of a name."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every webhook of Istio's validators and injectors."""
    del rules
    for item in mesh.of_kind("ValidatingWebhookConfiguration"):
        if item.name == "istiod-default-validator" or item.name.startswith("istio-validator"):
            yield from _webhooks(item)
    for item in mesh.of_kind("MutatingWebhookConfiguration"):
        if item.name.startswith("istio-sidecar-injector"):
            yield from _webhooks(item)


def _webhooks(item: MeshObject) -> Iterator[Finding]:
    for position, webhook in mappings(item.document.get("webhooks")):
        client = mapping(webhook.get("clientConfig"))
        path = f"webhooks[{position}]/clientConfig/url"
        name = text(webhook.get("name")) or "?"
        url = text(client.get("url"))
        if url is None:
            if "service" not in client:
                yield finding(INVALID, item, f"webhook {name} has neither a URL nor a Service", path=path)
            continue
        host = _host(url)
        if host is None:
            yield finding(INVALID, item, f"webhook {name}: {url!r} is no URL with a host", path=path)
        elif _is_address(host):
            yield finding(ADDRESS, item, f"webhook {name} calls {host} by address", path=path)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname or None
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


ANALYZER: Final = configuration_analyzer(
    "external_control_plane",
    kinds=("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"),
    codes=(INVALID, ADDRESS),
    check=check,
    documentation=__doc__ or "",
)
