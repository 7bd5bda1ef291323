"""Ports whose appProtocol Istio does not know.

**What.** An `appProtocol` without a `/` that is none of Istio's. A likely slip (`htpp`) is a warning, any other name
information. Names with a domain (`kubernetes.io/h2c`, `example.com/own`) are legal and not judged.

**Why it matters.** appProtocol wins over the port's name: with a name that Istio does not know the proxy guesses, and
where it cannot tell (server speaks first) connections hang.

**Evidence.** The value, and the nearest name that Istio knows.

**Fix.** One of http, http2, https, grpc, grpc-web, tcp, tls, mongo, mysql, redis, udp; or leave it out.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, text
from analyzers.mesh.ports import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

UNKNOWN: Final = kiali_code("KIA0602", "Unknown appProtocol", "warning", "Istio does not know the protocol.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every port of every Service that states a protocol."""
    del rules
    for item in mesh.of_kind("Service"):
        for position, port in mappings(item.spec.get("ports")):
            stated = (text(port.get("appProtocol")) or "").lower()
            if not stated or "/" in stated or stated in PROTOCOLS:
                continue
            near = get_close_matches(stated, PROTOCOLS, n=1, cutoff=0.7)
            told = f"is {near[0]} meant?" if near else "the proxy guesses the protocol"
            yield finding(
                UNKNOWN,
                item,
                f"Istio knows no protocol {stated!r}; {told}",
                path=f"spec/ports[{position}]/appProtocol",
                severity="warning" if near else "info",
            )


ANALYZER: Final = configuration_analyzer(
    "unknown_application_protocol", kinds=("Service",), codes=(UNKNOWN,), check=check, documentation=__doc__ or ""
)
