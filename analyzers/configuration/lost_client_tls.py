"""DestinationRules for a host that lose the TLS of a wider one.

**What.** A rule without any TLS setting, and a rule for a wider host (a wildcard) that makes clients send mTLS, while
auto-mTLS is off.

**Why it matters.** A proxy takes one rule for a host, the most specific: the wider one no longer counts, and calls to
the host go in plain text.

**Evidence.** The wider rule. With auto-mTLS clients send mTLS without any rule: nothing is lost then.

**Fix.** The TLS setting in the narrower rule, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh import hosts
from analyzers.mesh.host_index import HostIndex
from analyzers.mesh.objects import at, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

LOST: Final = kiali_code("KIA0204", "Client mTLS lost", "warning", "A narrower rule drops the TLS of a wider one.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every rule without TLS beneath one with mTLS that the same clients would take."""
    del rules
    for cluster in mesh.clusters:
        settings = mesh.settings(cluster)
        if settings.enable_auto_mtls:
            continue
        items = mesh.of_kind("DestinationRule", cluster=cluster)
        named = [(_host(item, settings.cluster_domain), item) for item in items]
        wide = HostIndex((host, item) for host, item in named if host.startswith("*") and _sends_mtls(item))
        for host, item in named:
            if _has_tls(item):
                continue
            service = hosts.service_of(host, settings.cluster_domain)
            near = {item.namespace, settings.root_namespace, service[0] if service else ""}
            for _, wider in wide.covering(host):
                for other in wider:
                    if other is not item and other.namespace in near:
                        message = f"drops the TLS that {full_name(other)} sets for {other.spec.get('host')}"
                        yield finding(LOST, item, message, path="spec/trafficPolicy", identity=(full_name(other),))


def _host(item: MeshObject, domain: str) -> str:
    return hosts.full_name(text(item.spec.get("host")) or "", item.namespace, domain)


def _sends_mtls(item: MeshObject) -> bool:
    return at(item.spec, "trafficPolicy", "tls", "mode") in {"ISTIO_MUTUAL", "MUTUAL"}


def _has_tls(item: MeshObject) -> bool:
    policy = item.spec.get("trafficPolicy")
    levels = mappings(at(policy, "portLevelSettings"))
    return bool(at(policy, "tls")) or any(level.get("tls") for _, level in levels)


ANALYZER: Final = configuration_analyzer(
    "lost_client_tls", kinds=("DestinationRule",), codes=(LOST,), check=check, documentation=__doc__ or ""
)
