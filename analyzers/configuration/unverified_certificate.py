"""DestinationRules that use TLS without a way to verify the server's certificate.

**What.** `tls.mode` SIMPLE or MUTUAL without `caCertificates` (and without a `credentialName` that is used), for a
whole host or for one port.

**Why it matters.** The proxy then accepts any certificate: the connection is encrypted to whoever answers.

**Evidence.** The host, the mode and the port.

**Fix.** Set `caCertificates` (`system` for the system's authorities), or `credentialName` with a `workloadSelector`:
without one a sidecar ignores it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, mapping, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject

HOST: Final = istio_code(
    128, "Server certificate not verified", "warning", "A host's client TLS has no authority to verify servers with."
)
PORT: Final = istio_code(
    129, "Server certificate not verified on a port", "warning", "A port's client TLS has no authority to verify with."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every DestinationRule, the settings of its subsets too (beyond Istio's check)."""
    for item in mesh.of_kind("DestinationRule"):
        policies = [("spec/trafficPolicy", mapping(item.spec.get("trafficPolicy")))]
        if not rules.istio:
            policies += [
                (f"spec/subsets[{position}]/trafficPolicy", mapping(subset.get("trafficPolicy")))
                for position, subset in mappings(item.spec.get("subsets"))
            ]
        for path, policy in policies:
            tls = mapping(policy.get("tls"))
            if _is_blind(item, tls):
                yield finding(HOST, item, _message(item, tls), path=f"{path}/tls/caCertificates")
            for position, setting in mappings(policy.get("portLevelSettings")):
                tls = mapping(setting.get("tls"))
                if _is_blind(item, tls):
                    where = f"{path}/portLevelSettings[{position}]/tls/caCertificates"
                    message = f"{_message(item, tls)} on port {at(setting, 'port', 'number')}"
                    yield finding(PORT, item, message, path=where)


def _is_blind(item: MeshObject, tls: Mapping[str, Json]) -> bool:
    if tls.get("mode") not in {"SIMPLE", "MUTUAL"} or text(tls.get("caCertificates")):
        return False
    # A credential's authority counts where it is read: for the workloads that a selector names.
    return not (text(tls.get("credentialName")) and item.spec.get("workloadSelector") is not None)


def _message(item: MeshObject, tls: Mapping[str, Json]) -> str:
    ignored = "; credentialName is ignored without a workloadSelector" if tls.get("credentialName") else ""
    return (
        f"{tls.get('mode')} TLS to {item.spec.get('host')} verifies no certificate: caCertificates is missing{ignored}"
    )


ANALYZER: Final = configuration_analyzer(
    "unverified_certificate",
    kinds=("DestinationRule",),
    codes=(HOST, PORT),
    check=check,
    documentation=__doc__ or "",
)
