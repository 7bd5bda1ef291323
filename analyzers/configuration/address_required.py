"""TCP ports of ServiceEntries without an address.

**What.** A ServiceEntry without `addresses` has a port of TCP (or of no stated protocol).

**Why it matters.** A TCP connection carries no host name: the proxy tells destinations apart by address alone. Without
one the listener takes in all traffic to that port.

**Evidence.** The port.

**Fix.** Give the ServiceEntry `addresses`, or let istiod allocate them (automatic from Istio 1.25 on; before, with DNS
capture and `ISTIO_META_DNS_AUTO_ALLOCATE` in the proxies' metadata).

Beyond Istio's check: ServiceEntries that istiod allocates addresses for by itself are left alone, as are those of
resolution NONE (they go to the address that the application chose).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, mapping, mappings, sequence, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.mesh.settings import MeshSettings

REQUIRED: Final = istio_code(
    134, "Address required", "warning", "A TCP port of a ServiceEntry without an address takes in all of the port."
)
#: The first Istio whose istiod allocates addresses to ServiceEntries unless told otherwise.
_ALLOCATES_SINCE: Final = (1, 25)
_OPT_OUT_LABEL: Final = "networking.istio.io/enable-autoallocate-ip"


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every TCP port of every ServiceEntry that has no address and gets none."""
    for item in mesh.of_kind("ServiceEntry"):
        settings = mesh.settings(item.cluster)
        if item.spec.get("addresses") is not None or sequence(item.status.get("addresses")):
            continue
        if _is_allocated(settings) or (not rules.istio and _needs_none(item, settings)):
            continue
        for position, port in mappings(item.spec.get("ports")):
            if (text(port.get("protocol")) or "TCP").upper() == "TCP":
                yield finding(
                    REQUIRED, item, "a TCP port of a ServiceEntry needs addresses", path=f"spec/ports[{position}]"
                )


def _is_allocated(settings: MeshSettings) -> bool:
    metadata = mapping(at(settings.raw, "defaultConfig", "proxyMetadata"))
    switches = ("ISTIO_META_DNS_AUTO_ALLOCATE", "PILOT_ENABLE_IP_AUTOALLOCATE")
    return metadata.get("ISTIO_META_DNS_CAPTURE") == "true" and any(metadata.get(key) == "true" for key in switches)


def _needs_none(item: MeshObject, settings: MeshSettings) -> bool:
    if item.spec.get("resolution") in {None, "NONE"}:
        return True
    has_wildcard = any(host.startswith("*") for host in texts(item.spec.get("hosts")))
    is_recent = settings.istio_version is None or settings.istio_version >= _ALLOCATES_SINCE
    return is_recent and not has_wildcard and item.labels.get(_OPT_OUT_LABEL, "").lower() != "false"


ANALYZER: Final = configuration_analyzer(
    "address_required", kinds=("ServiceEntry",), codes=(REQUIRED,), check=check, documentation=__doc__ or ""
)
