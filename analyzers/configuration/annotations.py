"""The annotations that Istio documents (istio/api, `annotation/annotations.yaml`): kinds, status, deprecation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Status = Literal["alpha", "beta", "stable"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation: the kinds of object it belongs on, the status of its feature, whether it is deprecated."""

    kinds: tuple[str, ...]
    status: Status = "alpha"
    deprecated: bool = False


_POD: Final = ("Pod",)

_ALPHA_POD: Final = (
    "ambient.istio.io/bypass-inbound-capture",
    "inject.istio.io/templates",
    "prometheus.istio.io/merge-metrics",
    "proxy.istio.io/overrides",
    "readiness.status.sidecar.istio.io/applicationPorts",
    "readiness.status.sidecar.istio.io/failureThreshold",
    "readiness.status.sidecar.istio.io/initialDelaySeconds",
    "readiness.status.sidecar.istio.io/periodSeconds",
    "sidecar.istio.io/agentLogLevel",
    "sidecar.istio.io/bootstrapOverride",
    "sidecar.istio.io/componentLogLevel",
    "sidecar.istio.io/extraStatTags",
    "sidecar.istio.io/interceptionMode",
    "sidecar.istio.io/logLevel",
    "sidecar.istio.io/proxyCPU",
    "sidecar.istio.io/proxyCPULimit",
    "sidecar.istio.io/proxyImage",
    "sidecar.istio.io/proxyImageType",
    "sidecar.istio.io/proxyMemory",
    "sidecar.istio.io/proxyMemoryLimit",
    "sidecar.istio.io/rewriteAppHTTPProbers",
    "sidecar.istio.io/statsCompression",
    "sidecar.istio.io/statsHistogramBuckets",
    "sidecar.istio.io/status",
    "sidecar.istio.io/userVolume",
    "sidecar.istio.io/userVolumeMount",
    "status.sidecar.istio.io/port",
    "traffic.sidecar.istio.io/excludeInboundPorts",
    "traffic.sidecar.istio.io/excludeInterfaces",
    "traffic.sidecar.istio.io/excludeOutboundIPRanges",
    "traffic.sidecar.istio.io/excludeOutboundPorts",
    "traffic.sidecar.istio.io/includeInboundPorts",
    "traffic.sidecar.istio.io/includeOutboundIPRanges",
    "traffic.sidecar.istio.io/includeOutboundPorts",
)
_BETA_POD: Final = ("ambient.istio.io/dns-capture", "proxy.istio.io/config", "sidecar.istio.io/nativeSidecar")
_DEPRECATED_POD: Final = (
    "alpha.istio.io/identity",
    "sidecar.istio.io/controlPlaneAuthPolicy",
    "sidecar.istio.io/discoveryAddress",
    "sidecar.istio.io/enableCoreDump",
    "sidecar.istio.io/statsInclusionPrefixes",
    "sidecar.istio.io/statsInclusionRegexps",
    "sidecar.istio.io/statsInclusionSuffixes",
    "traffic.sidecar.istio.io/kubevirtInterfaces",
)

#: Key -> what is known of it.
ANNOTATIONS: Final[dict[str, Annotation]] = {
    **{key: Annotation(_POD) for key in _ALPHA_POD},
    **{key: Annotation(_POD, "beta") for key in _BETA_POD},
    **{key: Annotation(_POD, deprecated=True) for key in _DEPRECATED_POD},
    "sidecar.istio.io/inject": Annotation(_POD, "beta", deprecated=True),
    "istio.io/reroute-virtual-interfaces": Annotation(_POD),
    "ambient.istio.io/redirection": Annotation(_POD, "beta"),
    "ambient.istio.io/waypoint-inbound-binding": Annotation(("GatewayClass",)),
    "alpha.istio.io/canonical-serviceaccounts": Annotation(("Service",), deprecated=True),
    "alpha.istio.io/kubernetes-serviceaccounts": Annotation(("Service",), deprecated=True),
    "galley.istio.io/analyze-suppress": Annotation(("Any",)),
    "install.operator.istio.io/chart-owner": Annotation(("Any",)),
    "install.operator.istio.io/owner-generation": Annotation(("Any",)),
    "install.operator.istio.io/version": Annotation(("Any",)),
    "internal.istio.io/parents": Annotation(("Any",)),
    "istio.io/autoRegistrationGroup": Annotation(("WorkloadEntry",)),
    "istio.io/workloadController": Annotation(("WorkloadEntry",)),
    "istio.io/connectedAt": Annotation(("WorkloadEntry",)),
    "istio.io/disconnectedAt": Annotation(("WorkloadEntry",)),
    "istio.io/dry-run": Annotation(("AuthorizationPolicy",)),
    "istio.io/rev": Annotation(_POD, "beta"),
    "gateway.istio.io/controller-version": Annotation(("Gateway", "Pod", "Deployment", "Service"), "beta"),
    "gateway.istio.io/name-override": Annotation(("Gateway",)),
    "gateway.istio.io/service-account": Annotation(("Gateway",)),
    "gateway.istio.io/tls-terminate-mode": Annotation(("Gateway",)),
    "kubernetes.io/ingress.class": Annotation(("Ingress",), "stable"),
    "networking.istio.io/address-type": Annotation(("Gateway",), "beta"),
    "networking.istio.io/exportTo": Annotation(("Service",)),
    "networking.istio.io/service-type": Annotation(("Gateway",)),
    "networking.istio.io/traffic-distribution": Annotation(("Service", "ServiceEntry", "Namespace"), "beta"),
    "topology.istio.io/controlPlaneClusters": Annotation(("Namespace",)),
}


def is_istio(key: str) -> bool:
    """Whether an annotation is one of Istio's by its prefix, or the one of Kubernetes that Istio documents."""
    return key == "kubernetes.io/ingress.class" or key.partition("/")[0].endswith("istio.io")
