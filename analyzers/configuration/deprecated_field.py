"""Fields, objects and providers that Istio calls deprecated or has removed.

**What.** `fault.delay.percent` of a VirtualService, `outboundTrafficPolicy.egressProxy` of a Sidecar, CRDs of the
removed `rbac.istio.io` API, and Telemetry that traces to a Lightstep provider.

**Why it matters.** They are ignored now, or will be after the next upgrade.

**Evidence.** The field and what replaces it.

**Fix.** Use what replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, mappings, number, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

DEPRECATED: Final = istio_code(2, "Deprecated", "warning", "Something that Istio has marked for removal is in use.")

_REMOVED: Final = frozenset({"ClusterRbacConfig", "RbacConfig", "ServiceRole", "ServiceRoleBinding"})


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Everything deprecated."""
    yield from fields(mesh, rules)
    yield from lightstep(mesh, rules)


def fields(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Deprecated fields and CRDs."""
    del rules
    for item in mesh.of_kind("VirtualService"):
        for position, route in mappings(item.spec.get("http")):
            if (number(at(route, "fault", "delay", "percent")) or 0) > 0:
                path = f"spec/http[{position}]/fault/delay/percent"
                yield finding(DEPRECATED, item, "fault.delay.percent is deprecated; use percentage", path=path)
    for item in mesh.of_kind("Sidecar"):
        if at(item.spec, "outboundTrafficPolicy", "egressProxy") is not None:
            path = "spec/outboundTrafficPolicy/egressProxy"
            yield finding(DEPRECATED, item, "outboundTrafficPolicy.egressProxy is ignored", path=path)
    for item in mesh.of_kind("CustomResourceDefinition"):
        kind = text(at(item.spec, "names", "kind"))
        if item.spec.get("group") == "rbac.istio.io" and kind in _REMOVED:
            yield finding(DEPRECATED, item, f"rbac.istio.io {kind} has been removed", path="spec/names/kind")


def lightstep(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Telemetry that traces to Lightstep, which Envoy no longer supports; OpenTelemetry replaces it."""
    del rules
    for item in mesh.of_kind("Telemetry"):
        providers = mesh.settings(item.cluster).extension_providers
        names = {text(provider.get("name")) for _, provider in mappings(providers) if "lightstep" in provider}
        for place, rule in mappings(item.spec.get("tracing")):
            for position, provider in mappings(rule.get("providers")):
                name = text(provider.get("name"))
                if name is not None and name in names:
                    path = f"spec/tracing[{place}]/providers[{position}]/name"
                    message = f"provider {name} is a Lightstep provider; use an OpenTelemetry provider"
                    yield finding(DEPRECATED, item, message, path=path)


ANALYZER: Final = configuration_analyzer(
    "deprecated_field",
    kinds=("VirtualService", "Sidecar", "CustomResourceDefinition", "Telemetry"),
    codes=(DEPRECATED,),
    check=check,
    documentation=__doc__ or "",
)
